import * as assert from 'uvu/assert';
import type { Caller } from '../../../src/domain/access/caller.ts';
import { StudioError, type Reason } from '../../../src/errors.ts';
import { CONFIG_BYTES_MAX, SCHEMA_BYTES_MAX, TRIGGER_PATTERNS_MAX } from '../../../src/limits.ts';
import type { RegisterProvider } from '../../../src/providers/contract.ts';
import { checkRegistration } from '../../../src/providers/registration.ts';
import { BUILTINS } from '../../../src/workers/builtins/index.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('registration');
const ada: Caller = { userId: 'ada', administrator: false };
const rules = { workflowPrefixes: ['expand-', 'studio-'], builtins: BUILTINS };
const now = new Date('2026-01-01T00:00:00Z');

const builtin: RegisterProvider = {
  scope: 'own',
  name: 'Expander',
  description: '',
  type: 'builtin',
  workflowId: 'expander',
  taskQueue: '',
  endpoint: '',
  inputSchema: '',
  outputSchema: '',
  config: '',
  supportedTypes: [],
  maxInputSize: 0,
  timeoutMs: 0,
  triggerEvents: ['blob.created'],
  triggerPatterns: [],
  onDerived: false,
};
const workflow: RegisterProvider = {
  ...builtin,
  type: 'workflow',
  workflowId: 'expand-workflow',
  taskQueue: 'expand-queue',
};

function refused(request: RegisterProvider, reason: Reason, field: string, caller = ada): void {
  try {
    checkRegistration(caller, request, rules, now);
  } catch (error) {
    assert.instance(error, StudioError);
    const { reason: given, metadata, message } = error as StudioError;
    assert.equal([given, metadata['field']], [reason, field], message);
    return;
  }
  assert.unreachable(`${reason} was expected`);
}

test('a built-in is completed with what it takes, and the defaults', () => {
  const provider = checkRegistration(ada, builtin, rules, now);
  assert.match(provider.id, /^[A-Za-z0-9_-]{1,64}$/);
  assert.equal(provider.supportedTypes, ['text/*']);
  assert.is(provider.userId, 'ada');
  assert.is(provider.status, 'active');
  assert.is(provider.version, 1);
  assert.is(provider.timeoutMs, 30_000);
  assert.ok(provider.maxInputSize > 0);
});

test('a workflow provider on an allowed queue', () => {
  const provider = checkRegistration(ada, { ...workflow, id: 'test-expander' }, rules, now);
  assert.equal(
    [provider.id, provider.workflowId, provider.taskQueue],
    ['test-expander', 'expand-workflow', 'expand-queue'],
  );
});

test('G8 workflow types and queues of others and of the studio are refused, whatever prefixes are configured', () => {
  refused({ ...workflow, workflowId: 'propagate' }, 'WORKFLOW_FORBIDDEN', 'workflow_id');
  refused({ ...workflow, taskQueue: 'payments' }, 'WORKFLOW_FORBIDDEN', 'task_queue');
  refused({ ...workflow, taskQueue: 'studio-propagation' }, 'WORKFLOW_FORBIDDEN', 'task_queue');
  refused({ ...workflow, workflowId: 'Studio-x' }, 'WORKFLOW_FORBIDDEN', 'workflow_id');
  refused({ ...workflow, taskQueue: '' }, 'FIELD_INVALID', 'task_queue');
});

test('G8 scope "all" is for administrators', () => {
  refused({ ...builtin, scope: 'all' }, 'ACCESS_DENIED', 'scope');
  const provider = checkRegistration({ userId: 'root', administrator: true }, { ...builtin, scope: 'all' }, rules, now);
  assert.is(provider.scope, 'all');
});

test('a wrong JSON Schema is refused with the place', () => {
  refused({ ...builtin, inputSchema: '{' }, 'SCHEMA_INVALID', 'input_schema');
  refused({ ...builtin, inputSchema: '[]' }, 'SCHEMA_INVALID', 'input_schema');
  refused({ ...builtin, outputSchema: '{"$ref":"https://elsewhere.example/x"}' }, 'SCHEMA_INVALID', 'output_schema');
  refused({ ...builtin, outputSchema: '{"$async":true}' }, 'SCHEMA_INVALID', 'output_schema');
  refused({ ...builtin, outputSchema: '{"type":"string","pattern":"("}' }, 'SCHEMA_INVALID', 'output_schema');
  refused({ ...builtin, inputSchema: `"${'x'.repeat(SCHEMA_BYTES_MAX)}"` }, 'SCHEMA_INVALID', 'input_schema');
  try {
    checkRegistration(ada, { ...builtin, inputSchema: '{"properties":{"a":{"type":"strin"}}}' }, rules, now);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /\/properties\/a\/type/);
  }
});

test('a bad regular expression is refused, and so is one that only a backtracking engine runs', () => {
  refused({ ...builtin, triggerPatterns: ['ok', '('] }, 'PATTERN_INVALID', 'trigger_patterns[1]');
  refused({ ...builtin, triggerPatterns: ['(a)\\1'] }, 'PATTERN_INVALID', 'trigger_patterns[0]');
  refused({ ...builtin, triggerPatterns: [''] }, 'PATTERN_INVALID', 'trigger_patterns[0]');
  const many = Array.from({ length: TRIGGER_PATTERNS_MAX + 1 }, () => 'a');
  refused({ ...builtin, triggerPatterns: many }, 'LIMIT_EXCEEDED', 'trigger_patterns');
});

test('everything else that can be wrong names its field', () => {
  refused({ ...builtin, id: 'user' }, 'PROVIDER_INVALID', 'id');
  refused({ ...builtin, id: 'a.b' }, 'FIELD_INVALID', 'id');
  refused({ ...builtin, name: '' }, 'FIELD_INVALID', 'name');
  refused({ ...builtin, workflowId: 'no-such' }, 'PROVIDER_INVALID', 'workflow_id');
  refused({ ...builtin, type: 'connect', endpoint: 'http://127.0.0.1/' }, 'PROVIDER_INVALID', 'type');
  refused({ ...builtin, supportedTypes: ['text/plain', 'text'] }, 'PROVIDER_INVALID', 'supported_types[1]');
  refused({ ...builtin, supportedTypes: ['image/png'] }, 'PROVIDER_INVALID', 'supported_types');
  refused({ ...builtin, config: '[1]' }, 'PROVIDER_INVALID', 'config');
  refused({ ...builtin, config: `{"a":"${'x'.repeat(CONFIG_BYTES_MAX)}"}` }, 'LIMIT_EXCEEDED', 'config');
  refused({ ...builtin, timeoutMs: 10 ** 9 }, 'FIELD_INVALID', 'timeout');
  refused({ ...builtin, maxInputSize: -1 }, 'FIELD_INVALID', 'max_input_size');
  refused({ ...builtin, debounce: { quietMs: 500, maxWaitMs: 100 } }, 'PROVIDER_INVALID', 'debounce.max_wait');
});

test('an endpoint is no field of a provider that is not called there', () => {
  const endpoint = 'http://127.0.0.1/';
  assert.is(checkRegistration(ada, { ...builtin, endpoint }, rules, now).endpoint, '');
  assert.is(checkRegistration(ada, { ...workflow, endpoint }, rules, now).endpoint, '');
});

test.run();
