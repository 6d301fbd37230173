import { Flags } from '@oclif/core'
import type { FindingView } from '../../../control/routes/store/verify.ts'
import { BaseCommand } from '../../base-command.ts'

export default class StoreVerify extends BaseCommand {
  static override summary = 'Check every record and every byte of the store, and repair what can be repaired.'
  static override description =
    `A running server goes on meanwhile. Without --repair nothing is changed. A repair never guesses and never drops mail:
it counts anew, sets links and lists right, and takes away records that lead nowhere. A message whose bytes are damaged
stays where it is, is named, and comes back with: mailserver store restore.

Exit code 1 when damage is left.`
  static override examples = [
    '<%= config.bin %> store verify',
    '<%= config.bin %> store verify --no-blobs',
    '<%= config.bin %> store verify --repair --account alice@example.org',
    '<%= config.bin %> store verify --repair --move-damaged Damaged',
  ]
  static override flags = {
    account: Flags.string({ summary: 'One account alone, by its address.' }),
    repair: Flags.boolean({ summary: 'Put right what can be, without guessing.' }),
    blobs: Flags.boolean({ summary: 'Read every message through.', default: true, allowNo: true }),
    'move-damaged': Flags.string({
      summary: 'With --repair: move messages with damaged bytes into this mailbox of their account.',
      helpValue: 'MAILBOX',
      dependsOn: ['repair'],
    }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(StoreVerify)
    const { verifyRoute } = await import('../../../control/routes/store/verify.ts')
    const { runTask } = await import('../../run-task.ts')
    const { renderFinding, renderVerified } = await import('../../render-findings.ts')
    const { setExitCode } = await import('../../exit.ts')
    const { account, repair, blobs, 'move-damaged': moveDamagedTo } = flags
    const findings: FindingView[] = []
    const body = { account, repair, blobs, moveDamagedTo }
    const result = await this.withStore(flags.config, (client) =>
      runTask(client, verifyRoute, { body }, (note) => {
        const finding = note as unknown as FindingView
        if (this.jsonEnabled()) findings.push(finding)
        else this.log(renderFinding(finding))
      }),
    )
    const { damages, repaired, seen } = result as { damages: number; repaired: number; seen: Record<string, number> }
    this.log(renderVerified(damages, repaired, seen, repair))
    if (damages > repaired) setExitCode(1)
    return { ok: damages === repaired, damages, repaired, seen, findings }
  }
}
