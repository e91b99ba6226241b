/** The two ways of the project's own client to the studio, as Node has them. */
import { createConnectTransport } from '@connectrpc/connect-node';
import {
  authorize,
  createStudioTransport,
  streaming,
  subscribing,
  type LinkMaker,
  type TokenSource,
} from '../../clients/web/src/index.ts';

export const LINKS: Record<string, (address: string, token: TokenSource) => LinkMaker> = {
  'Subscribe and Push over fetch': (baseUrl, token) => subscribing(createStudioTransport({ baseUrl, token })),
  'Sync over HTTP/2': (baseUrl, token) =>
    streaming(createConnectTransport({ baseUrl, httpVersion: '2', interceptors: [authorize(token)] })),
};
