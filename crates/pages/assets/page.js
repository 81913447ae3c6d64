// Small improvements of pages that work without them. No page needs this file.
(() => {
  'use strict';
  const all = (what, within = document) => [...within.querySelectorAll(what)];

  // Links of mails from before: everything stands behind `#`, which only a script can read.
  const routes = { passwordreset: 'reset', registration: 'registration', register: 'registration', forgotusername: 'username' };
  const route = /^#\/?([A-Za-z]+)\/?(.*)$/.exec(location.hash);
  if (route) {
    const name = route[1].toLowerCase();
    let rest = route[2];
    let process = routes[name];
    if (name === 'profilecompletion') {
      const at = rest.indexOf('&');
      process = at < 0 ? rest : rest.slice(0, at).replace(/\/$/, '');
      rest = at < 0 ? '' : rest.slice(at);
    }
    if (process && /^[\w.-]+$/.test(process)) {
      location.replace('/selfservice/' + process + (rest ? '?' + rest : ''));
    } else if (name === 'login') {
      location.replace('/sign-in');
    } else if (name === 'profile' || name === 'dashboard') {
      location.replace('/account');
    }
  }

  // What is wrong is read first.
  const problems = document.getElementById('problems');
  if (problems) problems.focus();

  // Show a password while it is typed.
  all('input[type=password][data-show]').forEach((input) => {
    const button = document.createElement('button');
    const show = (shown) => {
      input.type = shown ? 'text' : 'password';
      button.textContent = shown ? input.dataset.hide : input.dataset.show;
      button.setAttribute('aria-label', shown ? input.dataset.hideLabel : input.dataset.showLabel);
      button.setAttribute('aria-pressed', String(shown));
    };
    button.type = 'button';
    button.setAttribute('aria-controls', input.id);
    const frame = document.createElement('div');
    frame.className = 'password';
    input.replaceWith(frame);
    frame.append(input, button);
    show(false);
    button.addEventListener('click', () => show(input.type === 'password'));
    // A browser keeps passwords, and no texts.
    if (input.form) input.form.addEventListener('submit', () => show(false));
  });

  // What a password still lacks: the server says, nobody else knows its policies.
  all('ul[data-rules]').forEach((list) => {
    const input = document.getElementById(list.dataset.rules);
    if (!input || !input.form) return;
    const live = document.createElement('p');
    live.className = 'hidden';
    live.setAttribute('role', 'status');
    list.after(live);
    let timer = 0;
    let asked = 0;
    const ask = async () => {
      const form = new FormData(input.form);
      const body = new URLSearchParams();
      form.forEach((value, name) => {
        if (name === 'form_token' || name.startsWith('user.')) body.append(name, value);
      });
      body.set('password', input.value);
      const mine = ++asked;
      try {
        const answer = await fetch('/vestibule/policy', { method: 'POST', body });
        if (!answer.ok || mine !== asked) return;
        const failed = (await answer.json()).failed;
        const rules = all('li', list);
        rules.forEach((rule) => {
          const met = input.value !== '' && !failed.includes(rule.dataset.rule);
          rule.classList.toggle('met', met);
        });
        const open = rules.filter((rule) => !rule.classList.contains('met'));
        live.textContent = open.length ? list.dataset.open + ': ' + open.map((rule) => rule.textContent).join(', ') : list.dataset.met;
      } catch { /* The form is judged when it is sent. */ }
    };
    input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, 250); });
  });

  // A form is sent once.
  all('form[method=post]').forEach((form) => {
    form.addEventListener('submit', (event) => {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = 'yes';
      all('button', form).forEach((button) => button.setAttribute('aria-disabled', 'true'));
    });
  });
  addEventListener('pageshow', () => all('form[data-sent]').forEach((form) => {
    delete form.dataset.sent;
    all('button[aria-disabled]', form).forEach((button) => button.removeAttribute('aria-disabled'));
  }));

  // A mail can be asked for again after a while.
  all('button[data-after]').forEach((button) => {
    let left = Number(button.dataset.after);
    const text = button.textContent;
    const tick = () => {
      button.disabled = left > 0;
      button.textContent = left > 0 ? text + ' (' + left + ')' : text;
      if (left-- > 0) setTimeout(tick, 1000);
    };
    tick();
  });

  // What was completed on another device is noticed here.
  if (document.querySelector('[data-watch]')) {
    // A form of this page that is on its way completes the step itself, and must not be overtaken.
    let sent = false;
    addEventListener('submit', (event) => { sent = !event.defaultPrevented; });
    addEventListener('pageshow', (event) => { if (event.persisted) sent = false; });
    const look = async () => {
      if (document.visibilityState === 'visible' && !sent) {
        try {
          const answer = await fetch(location.href, { method: 'HEAD', cache: 'no-store' });
          if (answer.status === 410 && !sent) { location.reload(); return; }
        } catch { /* Nobody answers; it is looked at again. */ }
      }
      setTimeout(look, 5000);
    };
    setTimeout(look, 5000);
  }
})();
