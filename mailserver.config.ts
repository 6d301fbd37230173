import { defineConfig } from 'mailserver'
import { imap } from 'mailserver/plugins/imap'
import { level } from 'mailserver/plugins/level'
import { outbound } from 'mailserver/plugins/outbound'
import { pop3 } from 'mailserver/plugins/pop3'
import { smtp, submission } from 'mailserver/plugins/smtp'

export default defineConfig({
  hostname: 'mail.example.test',
  domains: ['example.test'],
  plugins: [
    level(),
    smtp({ listen: '127.0.0.1:2525' }),
    submission({ listen: ['127.0.0.1:2587', 'tls://127.0.0.1:2465'] }),
    imap({ listen: ['127.0.0.1:2143', 'tls://127.0.0.1:2993'] }),
    pop3({ listen: ['127.0.0.1:2110', 'tls://127.0.0.1:2995'] }),
    outbound(),
  ],
  accounts: ['alice@example.test', 'bob@example.test'],
})
