import { callerOf } from '../auth/caller-context.ts';
import { executionMessage } from '../mapping/execution.ts';
import { numberOf } from '../mapping/number.ts';
import { providerMessage, registerProviderOf } from '../mapping/provider.ts';
import type { ServiceImpl } from '@connectrpc/connect';
import type { ProviderService } from '../../gen/memmie/studio/v1/provider_service_pb.ts';
import type { Providers } from '../../providers/contract.ts';

export function createProviderService(providers: Providers): Partial<ServiceImpl<typeof ProviderService>> {
  return {
    async registerProvider(request, context) {
      return { provider: providerMessage(await providers.register(callerOf(context), registerProviderOf(request))) };
    },

    async getProvider(request, context) {
      return { provider: providerMessage(await providers.get(callerOf(context), request.id)) };
    },

    async listProviders({ pageSize, pageToken }, context) {
      const page = await providers.list(callerOf(context), { pageSize, pageToken });
      return { providers: page.items.map(providerMessage), nextPageToken: page.nextPageToken };
    },

    async processBlob(request, context) {
      const execution = await providers.process(callerOf(context), {
        blobId: request.blobId,
        providerId: request.providerId,
        version: request.version === undefined ? undefined : numberOf(request.version, 'version'),
        requestId: request.requestId || undefined,
      });
      return { execution: executionMessage(execution) };
    },

    async getExecution(request, context) {
      return { execution: executionMessage(await providers.getExecution(callerOf(context), request.id)) };
    },
  };
}
