// Calls to the REST API with the headers the newer stock client sends (docs/protocol/clients.md, "Transport").

export const anonymous = { 'X-OpenIDM-Username': 'anonymous', 'X-OpenIDM-Password': 'anonymous', 'X-OpenIDM-NoSession': 'true' };
export const ajax = { 'X-Requested-With': 'XMLHttpRequest' };
export const fresh = { 'Cache-Control': 'no-cache' };

// Values that percent-encoding changes are sent encoded and marked (RFC 5987).
export function headerValue(text) {
  const encoded = encodeURIComponent(text).replace(/['()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
  return encoded === text ? text : `UTF-8''${encoded}`;
}

let onSessionLost = () => {};
export const whenSessionIsLost = (act) => { onSessionLost = act; };

// What was read of the answers' own headers, for the tests.
export const seen = [];

export async function call(method, path, { headers = {}, body } = {}) {
  const request = { method, headers: { Accept: 'application/json, text/plain, */*', ...headers }, credentials: 'include' };
  if (body !== undefined) {
    request.headers['Content-Type'] = 'application/json; charset=UTF-8';
    request.body = JSON.stringify(body);
  }
  const answer = await fetch(`${window.context}/${path}`, request);
  seen.push({ method, path, status: answer.status, type: answer.headers.get('Content-Type'), etag: answer.headers.get('ETag') });
  const text = await answer.text();
  const data = text === '' ? {} : JSON.parse(text);
  if (answer.ok) return data;
  const error = Object.assign(new Error(data.message), { status: answer.status, code: data.code, detail: data.detail });
  if (data.code === 401 && !/^#\/login/.test(location.hash) && !/_action=login$/.test(path)) onSessionLost();
  throw error;
}

export const get = (path, headers) => call('GET', path, { headers });
export const post = (path, headers, body) => call('POST', path, { headers, body });
export const submit = (process, headers, body) => post(`selfservice/${process}?_action=submitRequirements`, headers, body);
