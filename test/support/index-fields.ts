import type { MessageIndex } from 'mailserver'

/** What an index says, field by field: a stored one has getters, which a comparison does not see. */
export function indexFields(index: MessageIndex): Required<MessageIndex> {
  const { size, crlfExtra, envelope, bodyStructure, body, root, subject, messageId, sentAt } = index
  const { inReplyTo, references, preview, eightBitHeader, eightBitBody } = index
  const texts = { subject, messageId, inReplyTo, references, preview, sentAt }
  const all = { size, crlfExtra, envelope, bodyStructure, body, root, ...texts, eightBitHeader, eightBitBody }
  return all as Required<MessageIndex>
}
