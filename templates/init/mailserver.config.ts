import { defineConfig } from 'mailserver'
import { imap } from 'mailserver/plugins/imap'
import { level } from 'mailserver/plugins/level'
import { outbound } from 'mailserver/plugins/outbound'
import { pop3 } from 'mailserver/plugins/pop3'
import { smtp, submission } from 'mailserver/plugins/smtp'

// Ports above 1024 on this machine alone: enough to try it. In production: smtp '*:25', submission '*:587' and
// 'tls://*:465', imap 'tls://*:993', pop3 'tls://*:995', and `tls: { cert, key }` with a certificate for the hostname.
export default defineConfig({
  hostname: 'mail.{{domain}}',
  domains: ['{{domain}}'],
  plugins: [
    level(),
    smtp({ listen: '127.0.0.1:2525' }),
    submission({ listen: ['127.0.0.1:2587', 'tls://127.0.0.1:2465'] }),
    imap({ listen: ['127.0.0.1:2143', 'tls://127.0.0.1:2993'] }),
    pop3({ listen: ['127.0.0.1:2110', 'tls://127.0.0.1:2995'] }),
    outbound(),
  ],
  // Accounts without a password get one at the first start, which `npm start` shows.
  accounts: ['alice@{{domain}}', 'bob@{{domain}}'],
})
