import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { REQUEST_BYTES_MAX, REQUEST_UNADMITTED_BYTES_MAX } from '../../limits.ts';
import type { Authenticator } from '../auth/authentication.ts';

const OPEN_SERVICES = new Set([Health.typeName, ServerReflection.typeName, ServerReflectionAlpha.typeName]);

/** Whether this service answers without a token. */
export function isOpenService(typeName: string): boolean {
  return OPEN_SERVICES.has(typeName);
}

/**
 * Whose call it is, as far as anything of it may be read before its interceptors are asked: empty for a service that is
 * open to all, absent for nobody. They ask again, and answer with the reason.
 */
export async function knownUser(
  typeName: string,
  authorization: string | undefined,
  { authenticate }: Pick<Authenticator, 'authenticate'>,
): Promise<string | undefined> {
  if (isOpenService(typeName)) return '';
  return authenticate(authorization).then(
    ({ userId }) => userId,
    () => undefined,
  );
}

/** What a request to it has at most, decompressed. */
export function requestBytesMax(typeName: string): number {
  return isOpenService(typeName) ? REQUEST_UNADMITTED_BYTES_MAX : REQUEST_BYTES_MAX;
}
