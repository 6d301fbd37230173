/**
 * The public API of mailserver: what a config and a plugin may import. Nothing else is public.
 * @module mailserver
 */
export {
  type AccountConfig,
  type CertificateConfig,
  type DomainConfig,
  defineConfig,
  type MailserverConfig,
  type PluginEntry,
} from './config/config.ts'
export { Secret, secret } from './config/secret.ts'
export { byteSize, duration, parseByteSize, parseDuration } from './config/units.ts'
export {
  type Account,
  type Alias,
  type Authenticator,
  authenticator,
  type Credentials,
  type Directory,
  directory,
  type Resolution,
} from './directory/directory.ts'
export { saslChannel } from './directory/sasl/channel.ts'
export { parseSaslInitial, parseSaslLine, type SaslLine } from './directory/sasl/line.ts'
export {
  type Sasl,
  type SaslChannel,
  type SaslExchange,
  type SaslStep,
  type SaslTls,
  sasl,
} from './directory/sasl/sasl.ts'
export { ConfigError, type ConfigProblem } from './errors/config-error.ts'
export { codeOf, MailError, type MailErrorCode } from './errors/mail-error.ts'
export { UserError } from './errors/user-error.ts'
export {
  type Answer,
  answerOf,
  type Intake,
  type IntakeRole,
  type IntakeSession,
  intake,
  type MailParameters,
  type Receipt,
  RefusedSource,
} from './intake/intake.ts'
export { type Clock, systemClock } from './kernel/clock.ts'
export {
  type AnyHook,
  defineHook,
  type HandlerOptions,
  type NotifyHook,
  type ResolveHook,
  STAGES,
  type Stage,
  type TransformHook,
  type VerdictHook,
} from './kernel/hook.ts'
export type { Jobs } from './kernel/jobs.ts'
export { LiveSet } from './kernel/live-set.ts'
export type { Log } from './kernel/log.ts'
export type { Metrics } from './kernel/metrics.ts'
export * from './kernel/moments.ts'
export {
  API_VERSION,
  type ConfiguredPlugin,
  type DrainReason,
  definePlugin,
  type HookRegistrar,
  type Lifecycle,
  type PluginHost,
  type PluginSpec,
  type ServerFacts,
  type Supervised,
  type SupervisorHost,
} from './kernel/plugin.ts'
export type { Decision, HookRunner, Outcome } from './kernel/run-hooks.ts'
export { defineService, optional, type ServiceRef, type ServiceRefs, type ServicesOf } from './kernel/service.ts'
export { defineSlot, type Slot, Slots } from './kernel/slot.ts'
export {
  accept,
  defer,
  discard,
  type HeaderField,
  quarantine,
  redirect,
  reject,
  type Verdict,
} from './kernel/verdict.ts'
export {
  type Address,
  addressKey,
  formatAddress,
  normalizeDomain,
  parseAddress,
  splitSubaddress,
} from './mail/address.ts'
export {
  type AddressItem,
  type GroupItem,
  type MailboxItem,
  mailboxesOf,
  parseAddressList,
} from './mail/address-list.ts'
export { formatDate, parseDate } from './mail/date-time.ts'
export { downgradeHeader } from './mail/downgrade-header.ts'
export { decodeCharset, decodeToLine, decodeWords } from './mail/encoded-word.ts'
export { type EnhancedStatus, explainStatus, parseEnhancedStatus } from './mail/enhanced-status.ts'
export type { Envelope, Notify, Recipient } from './mail/envelope.ts'
export { foldText } from './mail/fold-text.ts'
export {
  type FieldPlaces,
  FieldSelector,
  fieldPlaces,
  fieldValue,
  fieldValues,
  type HeaderFieldSlice,
  headerEnd,
  headerFields,
  hopCount,
  selectFields,
} from './mail/header.ts'
export { indexMessage, MessageIndexer } from './mail/index-message.ts'
export { firstMessageId, makeMessageId, messageIds } from './mail/message-id.ts'
export type { MessageIndex, PartIndex } from './mail/message-index.ts'
export {
  type ContentType,
  type Parameters,
  parameterText,
  parseContentType,
  parseTokenWithParameters,
} from './mail/mime-parameters.ts'
export { decodeModifiedUtf7, encodeModifiedUtf7 } from './mail/modified-utf7.ts'
export { protocolKeyword, receivedField, returnPathField, type Trace } from './mail/received.ts'
export { composeReport, type Report, type ReportAction, type ReportedRecipient } from './mail/report.ts'
export { type TransferDecoder, transferDecoder } from './mail/transfer-decoder.ts'
export { decodeUtf8AddressXtext, decodeXtext, encodeUtf8AddressXtext, encodeXtext } from './mail/xtext.ts'
export { tlsFacts } from './net/handshake.ts'
export * from './net/jmap-session.ts'
export { type LineEvent, LineReader, type LineReaderOptions } from './net/line-reader.ts'
export * from './net/listeners.ts'
export { PeerGone, ReplyWriter, type ReplyWriterOptions } from './net/reply-writer.ts'
export {
  type Attempt,
  type AttemptResult,
  type Claim,
  type MessageId,
  type Queue,
  type QueueFilter,
  type QueueMessage,
  type QueueRecipient,
  queue,
} from './queue/queue.ts'
export {
  type BlobRange,
  type BlobRef,
  type BlobStore,
  type BlobWriter,
  blobStore,
  type WantedRange,
} from './store/blob-store.ts'
export {
  type Engine,
  type Entry,
  engine,
  type Key,
  type Lease,
  type Range,
  type Reader,
  type Snapshot,
  type Transaction,
  type TransactOptions,
} from './store/engine.ts'
export { type Journey, type JourneyEvent, type JourneySubject, type Journeys, journeys } from './store/journey.ts'
export { between, KeyReader, key, prefixRange } from './store/key.ts'
export * from './store/mail-store.ts'
export {
  type MailboxMirror,
  type MirrorLoad,
  type MirrorOperation,
  type MirrorPlace,
  mailboxMirror,
} from './store/mirror/mailbox-mirror.ts'
export {
  loadOf as mirrorLoadOf,
  type MirrorCommit,
  readJournal as mirrorCommits,
} from './store/mirror/mirror-journal.ts'
export {
  type MirroredMessage,
  type MirroredView,
  type MirrorKeeper,
  mirrorKeeper,
} from './store/mirror/mirror-keeper.ts'
export { type AdoptedMessage, type MirroredMailboxes, mirroredMailboxes } from './store/mirror/mirrored-mailboxes.ts'
export { type ScannedMessage, scanMessage, type TextSink } from './store/search/scan-message.ts'
export { type SearchText, searchText, TEXT_BREAK } from './store/search/search-text.ts'
export * from './store/search-index.ts'
export { flagClassesOf, rightsOf, unionOf, withoutRights } from './store/sharing/rights.ts'
export {
  type CheckOptions,
  type Compacted,
  type Damage,
  type LongWork,
  type OrphanOptions,
  type StoreFigure,
  type StoreMaintenance,
  type StoreProgress,
  storeMaintenance,
} from './store/store-maintenance.ts'
