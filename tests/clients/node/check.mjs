// The official OpenAI client for Node against a running chatbot, unchanged: every claim is a line, and the first that fails ends it.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const client = new OpenAI({ maxRetries: 0, timeout: 30_000 });
const messages = [{ role: 'user', content: 'Where is the harbour?' }];

const play = async (...steps) => {
  const body = JSON.stringify({ model: 'any', steps });
  const told = await fetch(`${process.env.UPSTREAM}/script`, { method: 'PUT', body, headers: { 'content-type': 'application/json' } });
  assert.ok(told.ok);
};
const says = (text) => play({ kind: 'answer', text });
const check = (claim, holds) => {
  assert.ok(holds, claim);
  console.log(`  ok    node: ${claim}`);
};
const refused = async (kind, call) => {
  const refusal = await call().then(() => undefined, (error) => error);
  assert.ok(refusal instanceof kind, `${kind.name} was expected, and this came: ${refusal}`);
  return refusal;
};

const models = [];
for await (const model of await client.models.list()) models.push(model.id);
check('models are listed', models.join() === 'chatbot,scripted,vectors');
check('a model is found by name', (await client.models.retrieve('chatbot')).owned_by === 'chatbot');

for (const model of ['chatbot', 'scripted']) {
  await says('At the sea.');
  const answer = await client.chat.completions.create({ model, messages });
  check(`${model} answers`, answer.choices[0].message.content === 'At the sea.' && answer.usage.completion_tokens === 3);
  await says('At the sea, as I said.');
  const stream = await client.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } });
  let words = '', used;
  for await (const chunk of stream) {
    words += chunk.choices[0]?.delta?.content ?? '';
    used = chunk.usage ?? used;
  }
  check(`${model} streams, and tells the usage`, words === 'At the sea, as I said.' && used.completion_tokens === 6);
}

await play({ kind: 'stall', text: 'one two three', after: 2 });
const stream = await client.chat.completions.create({ model: 'scripted', messages, stream: true });
for await (const chunk of stream) if (chunk.choices[0].delta.content === 'two ') break;
check('a stream can be left', stream.controller.signal.aborted);

const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }];
await play({ kind: 'tool_call', name: 'weather', arguments: '{"city":"Tehran"}' });
const asked = await client.chat.completions.create({ model: 'scripted', messages, tools });
check('tools are passed through', asked.choices[0].message.tool_calls[0].function.arguments === '{"city":"Tehran"}');
const final = await client.chat.completions.stream({ model: 'scripted', messages, tools }).finalChatCompletion();
check('tools are passed through in a stream', final.choices[0].message.tool_calls[0].function.arguments === '{"city":"Tehran"}');

const vectors = await client.embeddings.create({ model: 'vectors', input: ['harbour', 'lighthouse'] });
check('vectors come', vectors.data.length === 2 && vectors.data[1].embedding.length === 64);

await refused(OpenAI.AuthenticationError, () => new OpenAI({ apiKey: 'cbk_wrong', maxRetries: 0 }).models.list());
check('a wrong key is AuthenticationError', true);
const refusal = await refused(OpenAI.BadRequestError, () => client.chat.completions.create({ model: 'chatbot', messages, n: 2 }));
check('what is not done is BadRequestError, and names the parameter', refusal.param === 'n');
await refused(OpenAI.NotFoundError, () => client.chat.completions.create({ model: 'gpt-9', messages }));
check('a model that is not there is NotFoundError', true);
await play({ kind: 'status', status: 429, message: 'slow down' });
await refused(OpenAI.RateLimitError, () => client.chat.completions.create({ model: 'scripted', messages }));
check('a limit of the upstream is RateLimitError', true);
