import { callerOf } from '../auth/caller-context.ts';
import { eventMessage, eventTypeOf } from '../mapping/event.ts';
import type { ServiceImpl } from '@connectrpc/connect';
import type { EventWatcher } from '../../events/contract.ts';
import type { EventService } from '../../gen/memmie/studio/v1/event_service_pb.ts';

export function createEventService(events: EventWatcher): Partial<ServiceImpl<typeof EventService>> {
  return {
    async *watchEvents(request, context) {
      const watched = events.watch(
        callerOf(context),
        {
          cursor: request.cursor || undefined,
          types: request.types.map(eventTypeOf),
          blobId: request.blobId || undefined,
        },
        context.signal,
      );
      for await (const event of watched) yield { event: eventMessage(event), cursor: event.cursor };
    },
  };
}
