import { Code } from '@connectrpc/connect';
import { ServerReflection as ServerReflectionV1 } from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionV1Alpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { DescriptorIndex } from './descriptor-index.ts';
import { errorDetailsFile } from '../errors/error-detail.ts';
import type { DescService } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import type { ServerReflectionRequest as RequestV1 } from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import type { ServerReflectionRequest as RequestV1Alpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.ts';

/** gRPC server reflection, v1 and the older v1alpha (the same messages in another package): grpcurl asks with both. */
export function registerReflection(router: ConnectRouter, services: () => readonly DescService[]): void {
  let index: DescriptorIndex | undefined;
  const reflect = (request: RequestV1 | RequestV1Alpha): ReturnType<typeof answer> =>
    answer((index ??= new DescriptorIndex(services(), [errorDetailsFile])), request.messageRequest);
  router.service(ServerReflectionV1, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield { validHost: request.host, originalRequest: request, messageResponse: reflect(request) };
      }
    },
  });
  router.service(ServerReflectionV1Alpha, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield { validHost: request.host, originalRequest: request, messageResponse: reflect(request) };
      }
    },
  });
}

function answer(index: DescriptorIndex, question: (RequestV1 | RequestV1Alpha)['messageRequest']) {
  switch (question.case) {
    case 'listServices': {
      const service = index.services.map((name) => ({ name }));
      return { case: 'listServicesResponse', value: { service } } as const;
    }
    case 'fileByFilename':
      return files(index.file(question.value), `There is no file "${question.value}" here.`);
    case 'fileContainingSymbol':
      return files(index.symbol(question.value), `There is no "${question.value}" here.`);
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = question.value;
      const found = index.extension(containingType, extensionNumber);
      return files(found, `There is no extension ${extensionNumber} of "${containingType}" here.`);
    }
    case 'allExtensionNumbersOfType': {
      const numbers = index.extensionNumbers(question.value);
      if (!numbers) return failure(Code.NotFound, `There is no message "${question.value}" here.`);
      const value = { baseTypeName: question.value, extensionNumber: [...numbers] };
      return { case: 'allExtensionNumbersResponse', value } as const;
    }
    case undefined:
    default:
      return failure(Code.InvalidArgument, 'The request asks nothing.');
  }
}

function files(found: readonly Uint8Array[] | undefined, message: string) {
  if (!found) return failure(Code.NotFound, message);
  const value = { fileDescriptorProto: [...found] };
  return { case: 'fileDescriptorResponse', value } as const;
}

function failure(code: Code, message: string) {
  return { case: 'errorResponse', value: { errorCode: code, errorMessage: message } } as const;
}
