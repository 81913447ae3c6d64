// The processes: each answer says what is asked next (docs/protocol/clients.md, "Processes in the client" and "Progressive profile in the client").

import { ajax, anonymous, fresh, get, post, submit } from './api.6e7f8091.mjs';
import { element, form, screen, toast } from './dom.12ab34cd.mjs';
import { lookAgain, signInWith } from './session.23bc45de.mjs';

const ajaxAnonymous = { ...anonymous, ...ajax, ...fresh };

// `&token=T&code=C`: the first character is dropped, `&` and `=` separate.
export function linkParameters(parameter) {
  if (!parameter) return {};
  return Object.fromEntries(parameter.slice(1).split('&').map((pair) => pair.split('=')));
}

class Visit {
  constructor(process, headers, name) {
    Object.assign(this, { process, headers, name, token: undefined });
  }

  async send(input) {
    const body = this.token === undefined ? { input } : { input, token: this.token };
    try {
      await this.show(await submit(this.process, this.headers, body));
    } catch (error) {
      this.failed(error);
    }
  }

  failed(error) {
    const failure = error.detail?.failedPolicyRequirements?.[0];
    toast(failure ? `Policy validation failed for '${failure.property}'` : error.message);
    if (this.process === 'reset' || this.process === 'username') screen(`${this.name}-error`, element('p', { id: 'message' }, error.message));
  }

  async begin(parameter) {
    const link = linkParameters(parameter);
    if (link.token) {
      this.token = link.token;
      return this.send(link);
    }
    try {
      await this.show(await get(`selfservice/${this.process}`, this.headers));
    } catch (error) {
      this.failed(error);
    }
  }

  async show(answer) {
    if (answer.token !== undefined) this.token = answer.token;
    const { type, tag, requirements = {} } = answer;
    const name = `${this.name}-${type}`;
    const ask = (fields, button, input) => screen(name, form('stage', fields, button, (values) => this.send(input(values))));
    switch (type) {
      case 'parameters':
        return this.send(this.process === 'registration' ? { input: {} } : {});
      case 'captcha':
        return this.captcha(requirements.properties.response.recaptchaSiteKey);
      case 'idmUserDetails':
      case 'allInOneRegistration':
        return this.details(requirements, ask);
      case 'termsAndConditions':
        return ask([], 'Accept', () => ({ accept: 'true' }));
      case 'userQuery':
        return ask([{ name: 'mail' }], 'Go on', ({ mail }) => ({ queryFilter: `mail eq "${mail}"` }));
      case 'emailValidation':
        return screen(name, element('p', {}, 'An email has been sent.'));
      case 'kbaSecurityAnswerVerificationStage':
        return ask(
          requirements.required.map((id) => ({ name: id, label: requirements.properties[id].systemQuestion?.en ?? requirements.properties[id].userQuestion })),
          'Answer', (values) => values,
        );
      case 'resetStage':
        if (tag === 'end') return screen(`${this.name}-end`, element('p', {}, 'Your password has been reset.'));
        await Promise.all([
          get('policy/selfservice/reset', ajaxAnonymous),
          post('policy/selfservice/reset/?_action=validateObject', anonymous, { password: '' }),
        ]);
        ask([{ name: 'password' }], 'Set it', (values) => values);
        if (requirements.error) toast(`refused: ${requirements.error.detail.failedPolicyRequirements[0].policyRequirements[0].policyRequirement}`);
        return undefined;
      case 'emailUsername':
        return screen(`${this.name}-end`, element('p', {}, 'An email containing your username has been sent.'));
      case 'retrieveUsername':
        return screen(`${this.name}-end`, element('p', { id: 'found' }, answer.additions.userName));
      case 'localAutoLogin':
        location.hash = await signInWith(answer.additions.credentialJwt);
        return toast('User account has been created.');
      case 'conditionaluser':
        return this.conditional(answer, ask);
      default:
        return screen(name, element('p', {}, `unknown stage ${type}`));
    }
  }

  async details(requirements, ask) {
    const { properties, required } = requirements.registrationProperties;
    if (!required.every((name) => properties[name])) throw new TypeError('a required property is not there');
    await Promise.all([
      get('policy/selfservice/registration', ajaxAnonymous),
      get('authentication', ajaxAnonymous),
      post('policy/selfservice/registration/?_action=validateObject', anonymous, { user: { password: '' } }),
    ]);
    const names = Object.keys(properties).filter((name) => properties[name].type !== 'object');
    const prefilled = requirements.properties?.user?.default ?? {};
    const kba = requirements.properties?.kba;
    const questions = kba ? kba.questions.slice(0, kba.minItems) : [];
    const fields = [
      ...names.map((name) => ({ name, label: properties[name].description, value: prefilled[name] })),
      { name: 'password' },
      ...questions.map(({ id, question }) => ({ name: `question-${id}`, label: question.en })),
    ];
    ask(fields, 'Sign up', (values) => {
      const user = { password: values.password, preferences: {} };
      for (const key of Object.keys(requirements.registrationPreferences ?? {})) user.preferences[key] = false;
      for (const name of names) user[name] = values[name];
      const input = { user };
      if (kba) input.kba = questions.map(({ id }) => ({ answer: values[`question-${id}`], questionId: id }));
      if ((requirements.stages ?? []).includes('termsAndConditions')) input.accept = 'true';
      return input;
    });
  }

  async conditional(answer, ask) {
    const { tag, status, requirements = {} } = answer;
    if (tag === 'end' && status.success) {
      location.hash = await lookAgain();
      return;
    }
    if (Object.keys(requirements).length === 0) return this.send({ input: {} });
    // From the first form on, the cookie and one header speak for the person.
    this.headers = ajax;
    const { buttonText } = requirements.uiConfig;
    if (requirements.terms) return ask([], buttonText, () => ({ accept: 'true' }));
    const attributes = requirements.attributes ?? [];
    ask(attributes.map(({ name, value, schema }) => ({ name, value, label: schema.title })), buttonText, (values) => ({
      attributes: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === '' ? null : value])),
    }));
  }

  // As the stock client does: the provider's script is loaded when the stage comes, and calls back.
  captcha(siteKey) {
    window.captchaIsReady = () => window.grecaptcha.render('captcha', { sitekey: siteKey, callback: (response) => this.send({ response, 'g-recaptcha-response': response }) });
    screen(`${this.name}-captcha`, element('div', { id: 'captcha' }));
    document.head.append(element('script', { src: 'https://www.google.com/recaptcha/api.js?onload=captchaIsReady&render=explicit', async: '' }));
  }
}

export const visits = {
  registration: (parameter) => new Visit('registration', ajaxAnonymous, 'registration').begin(parameter),
  passwordreset: (parameter) => new Visit('reset', ajaxAnonymous, 'passwordreset').begin(parameter),
  forgotusername: (parameter) => new Visit('username', ajaxAnonymous, 'forgotusername').begin(parameter),
  profilecompletion: (parameter) => new Visit(parameter, ajaxAnonymous, 'profilecompletion').begin(),
};
