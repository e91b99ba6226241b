export interface Welcome {
  /** `http://127.0.0.1:8010` */
  readonly address: string;
  /** `127.0.0.1:8011` */
  readonly grpcAddress: string;
  /** Absent when tokens come from elsewhere (STUDIO_JWKS_URL). */
  readonly token?: string;
}

/** What `studio dev` ends with: the address, a token, and commands to paste. */
export function welcome({ address, grpcAddress, token }: Welcome): string {
  const bearer = '-H "Authorization: Bearer $TOKEN"';
  const body = `{"content_type":"text/plain","content":"${Buffer.from('Hello, world!').toString('base64')}"}`;
  const setToken = token === undefined ? 'TOKEN=… # a token of the issuer of STUDIO_JWKS_URL' : `TOKEN=${token}`;
  // Brackets of an IPv6 address are a pattern to some shells.
  const quoted = (target: string): string => (target.includes('[') ? `'${target}'` : target);
  const blobs = quoted(`${address}/api/v1/studio/blobs`);
  return `
The studio is ready at ${address} (native gRPC alone: ${grpcAddress}). Ctrl-C ends it.

  ${setToken}

Create a blob ("Hello, world!") and list yours, four ways:

  curl -sS ${bearer} -H 'Content-Type: application/json' -d '${body}' ${blobs}
  curl -sS ${bearer} ${blobs}
  grpcurl -plaintext ${bearer} -d '{"page_size":10}' ${quoted(grpcAddress)} memmie.studio.v1.BlobService/ListBlobs
  npx buf curl --http2-prior-knowledge --protocol grpc ${bearer} -d '{"page_size":10}' ${quoted(`${address}/memmie.studio.v1.BlobService/ListBlobs`)}

See two people type into one document, in another terminal:

  npm run demo
`;
}
