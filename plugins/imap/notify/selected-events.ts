import { fetchRequest } from '../fetch/fetch-request.ts'
import type { SelectedEvents } from '../tell-selected.ts'
import type { EventGroup } from '../wire/notify-arguments.ts'

export const NOTHING_SELECTED: SelectedEvents = { isNone: true, isDelayed: true, flags: false, request: undefined }

/** Without a group of its own nothing of the selected mailbox is wanted (RFC 5465 section 3.1). */
export function selectedEventsOf(groups: readonly EventGroup[]): SelectedEvents {
  const group = groups.find(({ filter }) => filter.kind === 'selected' || filter.kind === 'selected-delayed')
  if (group === undefined || group.events.size === 0) return NOTHING_SELECTED
  return {
    isNone: false,
    isDelayed: group.filter.kind === 'selected-delayed',
    flags: group.events.has('FlagChange'),
    request: group.items === undefined ? undefined : fetchRequest(group.items, false),
  }
}
