import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { REQUEST_BYTES_MAX, REQUEST_UNADMITTED_BYTES_MAX } from '../../limits.ts';
import { toConnectError } from '../errors/error-mapping.ts';
import type { Authenticator } from '../auth/authentication.ts';

const OPEN_SERVICES = new Set([Health.typeName, ServerReflection.typeName, ServerReflectionAlpha.typeName]);

/** Whether this service answers without a token. */
export function isOpenService(typeName: string): boolean {
  return OPEN_SERVICES.has(typeName);
}

export type Admission = { readonly userId: string } | { readonly refusal: Error };

/**
 * Whose call it is, before anything of it is read: empty for a service that is open to all. The interceptors ask again,
 * and may be told otherwise when the keys could not be read the first time: of a call that was refused nothing is known,
 * so the refusal has to be handed to them.
 */
export async function admit(
  typeName: string,
  authorization: string | undefined,
  { authenticate }: Pick<Authenticator, 'authenticate'>,
): Promise<Admission> {
  if (isOpenService(typeName)) return { userId: '' };
  try {
    return { userId: (await authenticate(authorization)).userId };
  } catch (error) {
    return { refusal: toConnectError(error) };
  }
}

/** What a request to it has at most, decompressed. */
export function requestBytesMax(typeName: string): number {
  return isOpenService(typeName) ? REQUEST_UNADMITTED_BYTES_MAX : REQUEST_BYTES_MAX;
}
