/** What transports call for providers and executions. */
import type { Caller } from '../domain/access/caller.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { Execution, Provider } from '../domain/derivation/provider.ts';

/** The caller's part of a provider; the rest is filled in by the registry. Zero and empty mean the default. */
export type RegisterProvider = Omit<Provider, 'id' | 'userId' | 'status' | 'version' | 'createdAt' | 'updatedAt'> & {
  readonly id?: string;
};

export interface ProcessBlob {
  readonly blobId: string;
  readonly providerId: string;
  /** Absent: the head. */
  readonly version?: number;
  readonly requestId?: string;
}

export interface Providers {
  register(caller: Caller, request: RegisterProvider): Promise<Provider>;
  get(caller: Caller, id: string): Promise<Provider>;
  list(caller: Caller, page: PageRequest): Promise<Page<Provider>>;
  /** Runs one provider on one blob now, whatever its triggers say; answers with the execution as it starts. */
  process(caller: Caller, request: ProcessBlob): Promise<Execution>;
  getExecution(caller: Caller, id: string): Promise<Execution>;
}
