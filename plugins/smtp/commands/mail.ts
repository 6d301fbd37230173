import { decodeXtext, type MailParameters } from 'mailserver'
import type { Dialog } from '../dialog.ts'
import { replyOf } from '../reply-for.ts'
import { addressOf, parsePath } from '../wire/path.ts'
import { type Reply, reply } from '../wire/reply.ts'

const OK = reply(250, '2.1.0', 'Ok')
const BAD_PARAMETER = reply(501, '5.5.4', 'Syntax error in a parameter of MAIL')
/** RFC 3461 section 4.4 */
const MAX_ENVELOPE_ID = 100

type Draft = { -readonly [K in keyof MailParameters]: MailParameters[K] }
type Apply = (draft: Draft, value: string | true, dialog: Dialog) => Reply | undefined

/** ESMTP parameters of MAIL. Each takes its value, or says why not. */
const PARAMETERS: ReadonlyMap<string, Apply> = new Map<string, Apply>([
  ['SIZE', size],
  ['BODY', body],
  ['SMTPUTF8', smtpUtf8],
  ['RET', returnContent],
  ['ENVID', envelopeId],
  ['AUTH', auth],
])

/** MAIL (RFC 5321 section 4.1.1.2). */
export async function mail(dialog: Dialog, argument: string): Promise<Reply> {
  const { profile, intake } = dialog
  if (dialog.transaction !== undefined) return reply(503, '5.5.1', 'A mail transaction is open already')
  const parsed = parsePath(argument, 'FROM')
  if (parsed === 'parameters') return BAD_PARAMETER
  if (parsed === undefined) return reply(501, '5.1.7', 'Syntax: MAIL FROM:<address>')
  const draft: Draft = { smtpUtf8: false, eightBit: false, requireTls: false }
  for (const [keyword, value] of parsed.parameters) {
    const apply = PARAMETERS.get(keyword)
    if (apply === undefined) return reply(555, '5.5.4', `Parameter ${keyword} is not recognized`)
    const wrong = apply(draft, value, dialog)
    if (wrong !== undefined) return wrong
  }
  const sender = parsed.path === '' ? undefined : addressOf(parsed.path, profile.hostname)
  if (parsed.path !== '' && sender === undefined) return reply(501, '5.1.7', 'That is no address')
  // RFC 6531 section 3.5
  if (!draft.smtpUtf8 && /[^\0-\x7f]/.test(parsed.path)) return reply(553, '5.6.7', 'That address needs SMTPUTF8')
  const answer = await intake.mailFrom(sender, draft)
  if (answer.ok) dialog.transaction = { smtpUtf8: draft.smtpUtf8, recipients: 0 }
  return replyOf(answer, OK)
}

/** RFC 1870 section 4 */
function size(draft: Draft, value: string | true): Reply | undefined {
  if (value === true || !/^\d{1,20}$/.test(value)) return BAD_PARAMETER
  draft.announcedSize = Number(value)
  return undefined
}

/** RFC 6152 section 3. BINARYMIME needs BDAT (RFC 3030), which is not offered. */
function body(draft: Draft, value: string | true): Reply | undefined {
  const type = value === true ? '' : value.toUpperCase()
  if (type !== '7BIT' && type !== '8BITMIME') return BAD_PARAMETER
  draft.eightBit = type === '8BITMIME'
  return undefined
}

/** RFC 6531 section 3.4 */
function smtpUtf8(draft: Draft, value: string | true): Reply | undefined {
  if (value !== true) return BAD_PARAMETER
  draft.smtpUtf8 = true
  return undefined
}

/** RFC 3461 section 4.3 */
function returnContent(draft: Draft, value: string | true): Reply | undefined {
  const what = value === true ? '' : value.toUpperCase()
  if (what !== 'FULL' && what !== 'HDRS') return BAD_PARAMETER
  draft.returnContent = what === 'FULL' ? 'full' : 'headers'
  return undefined
}

function envelopeId(draft: Draft, value: string | true): Reply | undefined {
  const decoded = value === true || value.length > MAX_ENVELOPE_ID ? undefined : decodeXtext(value)
  if (decoded === undefined || decoded === '') return BAD_PARAMETER
  draft.envelopeId = decoded
  return undefined
}

/** RFC 4954 section 5: read where AUTH is offered, and not believed: who sends is who logged in. */
function auth(_draft: Draft, value: string | true, { profile }: Dialog): Reply | undefined {
  if (profile.role !== 'submission') return reply(555, '5.5.4', 'Parameter AUTH is not recognized')
  return value === true || decodeXtext(value) === undefined ? BAD_PARAMETER : undefined
}
