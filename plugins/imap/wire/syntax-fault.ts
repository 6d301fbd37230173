/** The command is not what the grammar allows: answered BAD with this text, which never quotes the client. */
export class SyntaxFault extends Error {
  override readonly name = 'SyntaxFault'
}
