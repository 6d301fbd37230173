/** Enhanced status codes (RFC 3463 and its registry), and what they mean to somebody who has never heard of SMTP. */

/** `class.subject.detail`; class 2, 4 or 5. */
export interface EnhancedStatus {
  readonly class: 2 | 4 | 5
  readonly subject: number
  readonly detail: number
}

const STATUS = /(?:^|\s)([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$|[:;,-])/

/** The status a reply begins with, its three-digit code passed over: `550 5.1.1 No such user`. */
export function parseEnhancedStatus(text: string): EnhancedStatus | undefined {
  const match = STATUS.exec(text.slice(0, 32))
  if (match === null) return undefined
  return { class: Number(match[1]) as 2 | 4 | 5, subject: Number(match[2]), detail: Number(match[3]) }
}

// By subject and detail: the class only says whether it may pass, and the report says that already.
const MEANINGS = new Map([
  ['1.0', 'The address was not accepted.'],
  ['1.1', 'There is no mailbox with this address. Please check the spelling.'],
  ['1.2', 'The part of the address after the @ does not exist, or receives no mail. Please check the spelling.'],
  ['1.3', 'This is not a valid mail address. Please check the spelling.'],
  ['1.4', 'This address stands for more than one mailbox there, so the message could not be assigned.'],
  ['1.6', 'This mailbox has moved, and no new address is known.'],
  ['1.8', 'The other side does not accept the address you send from.'],
  ['1.10', 'The part of the address after the @ receives no mail at all. Please check the spelling.'],
  ['2.0', 'The mailbox could not take the message.'],
  ['2.1', 'This mailbox has been disabled and receives no messages.'],
  ['2.2', 'The mailbox is full. Its owner has to make room before it can receive new messages.'],
  ['2.3', 'The message is larger than this mailbox allows. Please send it with smaller attachments.'],
  ['2.4', 'The members of this mailing list could not be found.'],
  ['3.1', 'The mail server there has no space left.'],
  ['3.2', 'The mail server there is not taking messages at the moment.'],
  ['3.4', 'The message is too large for the mail server there. Please send it with smaller attachments.'],
  ['3.0', 'The mail server there has a problem of its own.'],
  ['4.0', 'The mail server there could not be reached.'],
  ['4.1', 'The mail server there did not answer.'],
  ['4.2', 'The connection to the mail server there broke.'],
  ['4.3', 'The name service could not say where the mail has to go.'],
  ['4.4', 'No mail server could be found for this address.'],
  ['4.5', 'The mail server there is too busy at the moment.'],
  ['4.6', 'The message was going round in circles between mail servers.'],
  ['4.7', 'The message could not be delivered in the time that is allowed for it.'],
  ['5.0', 'The two mail servers did not understand each other.'],
  ['5.3', 'The message has too many recipients.'],
  ['6.0', 'The mail server there does not accept what the message contains.'],
  ['6.3', 'The mail server there cannot take a message of this kind.'],
  ['6.7', 'The mail server there does not support addresses with letters like these.'],
  ['6.8', 'The mail server there does not support addresses with letters like these.'],
  ['6.9', 'The mail server there does not support messages with letters like these in addresses.'],
  ['7.0', 'The mail server there refused the message for a reason of its own rules.'],
  ['7.1', 'The mail server there refused the message; you may not be allowed to write to this address.'],
  ['7.2', 'You may not be allowed to write to this mailing list.'],
  ['7.4', 'The security that this message asks for is not available there.'],
  ['7.10', 'The security that this message asks for is not available there.'],
  ['7.20', 'The mail server there could not verify that the message is from you: it has no valid signature.'],
  ['7.23', 'The mail server there does not believe that the message is from you (SPF).'],
  ['7.25', 'The mail server there does not trust ours: its name and address do not match.'],
  ['7.26', 'The mail server there could not verify that the message is from you.'],
  ['7.27', 'The address you send from receives no mail, so the mail server there does not accept its messages.'],
  ['7.28', 'The mail server there has received too many messages from here.'],
  ['7.30', 'The message may be sent over a verified secure connection only, and there is none to that server.'],
])

const SUBJECTS = new Map([
  [1, 'The address was not accepted.'],
  [2, 'The mailbox could not take the message.'],
  [3, 'The mail server there has a problem of its own.'],
  [4, 'The mail server there could not be reached.'],
  [5, 'The two mail servers did not understand each other.'],
  [6, 'The mail server there does not accept what the message contains.'],
  [7, 'The mail server there refused the message for a reason of its own rules.'],
])

/** What a status means, in plain words; one sentence or two. */
export function explainStatus(text: string): string {
  const status = parseEnhancedStatus(text)
  if (status === undefined) return 'The message could not be delivered.'
  const meaning = MEANINGS.get(`${status.subject}.${status.detail}`) ?? SUBJECTS.get(status.subject)
  return meaning ?? 'The message could not be delivered.'
}
