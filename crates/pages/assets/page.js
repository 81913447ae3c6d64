// Small improvements of pages that work without them. No page needs this file.
(() => {
  'use strict';
  const all = (what, within = document) => [...within.querySelectorAll(what)];

  // Links of mails from before: everything stands behind `#`, which only a script can read. What it means is known where links are read.
  if (/^#\/|^#.*token=/.test(location.hash)) location.replace('/code?link=' + encodeURIComponent(location.hash));

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

  // What a password still lacks, and how strong it is: the server says, nobody else knows its policies.
  all('[data-judged]').forEach((part) => {
    const input = document.getElementById(part.dataset.judged);
    if (!input || !input.form) return;
    const live = document.createElement('p');
    live.className = 'hidden';
    live.setAttribute('role', 'status');
    part.append(live);
    const rules = all('li', part);
    const words = (some) => some.map((one) => one.textContent).join(', ');
    const show = ({ failed, open, strength }) => {
      const typed = input.value !== '';
      const lacks = (rule) => !typed || failed.includes(rule.dataset.rule);
      const waits = (rule) => !lacks(rule) && open.includes(rule.dataset.rule);
      rules.forEach((rule) => {
        rule.classList.toggle('met', !lacks(rule) && !waits(rule));
        if (waits(rule) && !rule.querySelector('small')) {
          const later = document.createElement('small');
          later.textContent = ' (' + part.dataset.later + ')';
          rule.append(later);
        }
      });
      all('.strength', part).forEach((line) => {
        line.hidden = !typed;
        line.querySelector('meter').value = strength;
        all('span', line).forEach((word, level) => { word.hidden = level !== strength; });
      });
      const [lacking, waiting] = [rules.filter(lacks), rules.filter(waits)];
      const said = lacking.length ? [part.dataset.open + ': ' + words(lacking)] : waiting.length ? [words(waiting)] : rules.length ? [part.dataset.met] : [];
      if (typed) said.push(words(all('.strength label, .strength span:not([hidden])', part)).replace(', ', ' '));
      live.textContent = said.join('. ');
    };
    let timer = 0;
    let asked = 0;
    const ask = async () => {
      const form = new FormData(input.form);
      const body = new URLSearchParams();
      form.forEach((value, name) => {
        if (name === 'form_token' || name.startsWith('user.')) body.append(name, value);
      });
      body.set('password', input.value);
      body.set('process', input.form.getAttribute('action').replace(/\?.*/, '').replace(/.*\//, ''));
      const mine = ++asked;
      try {
        const answer = await fetch('/vestibule/policy', { method: 'POST', body });
        if (answer.ok && mine === asked) show(await answer.json());
      } catch { /* The form is judged when it is sent. */ }
    };
    input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, 250); });
  });

  // Another language is another page, on which nothing stands that was typed here.
  all('form[data-ask]').forEach((form) => form.addEventListener('submit', (event) => {
    const fields = all('main input:not([type=hidden]), main textarea');
    const typed = fields.some((field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked);
    if (typed && !confirm(form.dataset.ask)) event.preventDefault();
  }));

  // A form is sent once.
  all('form[method=post]').forEach((form) => {
    form.addEventListener('submit', (event) => {
      if (event.defaultPrevented) return;
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
