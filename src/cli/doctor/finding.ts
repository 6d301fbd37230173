/** What one check has found. */
export interface Finding {
  readonly check: string
  readonly state: 'good' | 'warning' | 'failed'
  readonly text: string
  /** What to do about it. */
  readonly hint?: string
}

export const good = (check: string, text: string): Finding => ({ check, state: 'good', text })
export const warning = (check: string, text: string, hint: string): Finding => ({ check, state: 'warning', text, hint })
export const failed = (check: string, text: string, hint: string): Finding => ({ check, state: 'failed', text, hint })
