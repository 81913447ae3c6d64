// A real OpenID provider, and a person with a browser that keeps cookies.
//
// Standard input: first `{"clients": […]}`, answered with `{"issuer": …}`; then `{"url": …, "login": …}`, the address a browser is sent to and who
// signs in there, answered with the parameters that it comes back with, as lists.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const tools = createRequire(process.env.VESTIBULE_NODE_MODULES + '/of-the-tests.js');
const { Provider } = await import(pathToFileURL(tools.resolve('oidc-provider')).href);
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n');

async function start(clients) {
  let answer;
  const server = createServer((request, response) => answer(request, response));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients,
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none'],
    cookies: { keys: ['of the tests'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@elsewhere.example.test`, email_verified: true }) }),
  });
  answer = provider.callback();
  return issuer;
}

// From the address that a browser is sent to, to the one that leaves the provider.
async function visit(issuer, url, login) {
  const cookies = new Map();
  let next = { url, body: undefined };
  for (let step = 0; step < 12; step += 1) {
    const response = await fetch(next.url, {
      method: next.body ? 'POST' : 'GET',
      body: next.body,
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const at = pair.indexOf('=');
      cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const location = response.headers.get('location');
    if (location && !new URL(location, issuer).href.startsWith(issuer)) return new URL(location).searchParams;
    if (location) {
      next = { url: new URL(location, issuer).href };
      continue;
    }
    const page = await response.text();
    const form = page.match(/<form[^>]*action="([^"]+)"/);
    if (!form) throw new Error(`${response.status}: ${page.slice(0, 400)}`);
    const prompt = page.match(/name="prompt" value="([^"]+)"/)[1];
    next = { url: new URL(form[1], issuer).href, body: new URLSearchParams({ prompt, login, password: 'x' }) };
  }
  throw new Error('the provider does not come to an end');
}

let issuer;
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  if (asked.clients) {
    issuer = await start(asked.clients);
    say({ issuer });
    continue;
  }
  const found = await visit(issuer, asked.url, asked.login).catch((error) => ({ failed: String(error) }));
  if (found.failed) {
    say(found);
    continue;
  }
  const lists = {};
  for (const [name, value] of found) (lists[name] ??= []).push(value);
  say(lists);
}
process.exit(0);
