/** Between the headers connect handlers see and the metadata @grpc/grpc-js carries, and from an error to its status. */
import { Metadata, status } from '@grpc/grpc-js';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import type { StatusObject } from '@grpc/grpc-js';
import type { ConnectError } from '@connectrpc/connect';

const STATUS_DETAILS = 'grpc-status-details-bin';

export function headersOf(metadata: Metadata): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(metadata.toHttp2Headers())) {
    for (const value of Array.isArray(values) ? values : [values]) {
      if (value !== undefined) headers.append(name, String(value));
    }
  }
  return headers;
}

export function metadataOf(headers: Headers): Metadata {
  const metadata = new Metadata();
  headers.forEach((value, name) => {
    // The server writes the status itself.
    if (name === 'grpc-status' || name === 'grpc-message' || name === 'content-type') return;
    metadata.add(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  });
  return metadata;
}

/** The same code, message and `grpc-status-details-bin` as the error has on the other door. */
export function statusOf(error: ConnectError, trailer: Headers): StatusObject {
  const metadata = metadataOf(trailer);
  metadata.merge(metadataOf(error.metadata));
  const details = error.details.length > 0 ? setTrailerStatus(new Headers(), error).get(STATUS_DETAILS) : null;
  if (details) metadata.set(STATUS_DETAILS, Buffer.from(details, 'base64'));
  // Both sets number their codes as gRPC does.
  const name = status[error.code] as keyof typeof status | undefined;
  return { code: name ? status[name] : status.UNKNOWN, details: error.rawMessage, metadata };
}
