/** Workflows of somebody who offers providers: nothing of the studio is imported here. */
import { ApplicationFailure, sleep } from '@temporalio/workflow';

interface Input {
  readonly blob_id: string;
  readonly version: number;
  readonly content_type: string;
  readonly size: number;
  readonly content: string;
  readonly attempt: number;
  readonly config: { readonly prefix?: string; readonly type?: string };
}

interface Output {
  readonly content_type: string;
  readonly content: string;
}

async function expand(input: Input): Promise<Output> {
  const { blob_id, version, content_type, size, content, config } = input;
  return {
    content_type: 'text/plain',
    content: `${config.prefix} ${blob_id}@${version} ${content_type} ${size} ${content}`,
  };
}

async function fail(input: Input): Promise<Output> {
  if (input.content !== 'bad') return { content_type: 'text/plain', content: input.content };
  throw ApplicationFailure.nonRetryable(`no "${input.content}" here`, 'Unreadable', 'sealed');
}

async function secondTry(input: Input): Promise<Output> {
  if (input.attempt < 2) throw ApplicationFailure.nonRetryable('not yet');
  return { content_type: 'text/plain', content: `attempt ${input.attempt}` };
}

async function retype({ content, config }: Input): Promise<Output> {
  return { content_type: config.type ?? '', content };
}

async function never(): Promise<Output> {
  await sleep('1 hour');
  return { content_type: 'text/plain', content: '' };
}

async function asJson(input: Input): Promise<Output> {
  return { content_type: 'application/json', content: input.content };
}

async function nothing(): Promise<void> {}

export {
  expand as 'expand-workflow',
  fail as 'expand-fail',
  secondTry as 'expand-second-try',
  retype as 'expand-retype',
  never as 'expand-never',
  asJson as 'expand-as-json',
  nothing as 'expand-nothing',
};
