// Evaluated in every fresh context before the script, and called with its variables, its time and the natives of globals.rs.
// Whatever a script changes afterwards, it changes for itself alone.
(function (variables, now, native) {
    'use strict';
    const define = Object.defineProperty, keys = Object.keys, stringify = JSON.stringify, text = String;
    const wellFormed = Function.prototype.call.bind(text.prototype.toWellFormed);
    const replace = Function.prototype.call.bind(text.prototype.replace);
    const begins = Function.prototype.call.bind(text.prototype.startsWith);

    function publish(target, name, value, enumerable) {
        define(target, name, {value: value, writable: true, enumerable: enumerable, configurable: true});
    }

    // Nothing waits, nothing is shared between threads.
    for (const name of ['Promise', 'queueMicrotask', 'Atomics', 'SharedArrayBuffer']) {
        delete globalThis[name];
    }

    const RealDate = Date;
    const GivenDate = new Proxy(RealDate, {
        apply: function () { return new RealDate(now).toString(); },
        construct: function (target, args, newTarget) {
            return Reflect.construct(target, args.length === 0 ? [now] : args, newTarget);
        }
    });
    publish(RealDate, 'now', function () { return now; }, false);
    publish(RealDate.prototype, 'constructor', GivenDate, false);
    publish(globalThis, 'Date', GivenDate, false);
    publish(Math, 'random', native.random, false);

    // What scripts written for Rhino ask of texts and lists: Rhino's own methods of strings, those of Java's that real scripts use, and those of
    // a ResourcePath, which is what 'resourceName' is there.
    function parts(path) {
        const found = [];
        for (const part of text(path).split('/')) if (part !== '') found.push(part);
        return found;
    }
    function lower(value) { return text(value).toLowerCase(); }
    function nothing(value) { return value === undefined || value === null; }
    const ofTexts = {
        equals: function (other) { return !nothing(other) && text(this) === text(other); },
        equalsIgnoreCase: function (other) { return !nothing(other) && lower(this) === lower(other); },
        contains: function (part) { return text(this).includes(text(part)); },
        matches: function (pattern) { return new RegExp('^(?:' + text(pattern) + ')$').test(text(this)); },
        isEmpty: function () { return text(this) === ''; },
        head: function (end) { return parts(this).slice(0, end).join('/'); },
        tail: function (begin) { return parts(this).slice(begin).join('/'); },
        leaf: function () { return parts(this).slice(-1).join('/'); },
        parent: function () { return parts(this).slice(0, -1).join('/'); },
        child: function (part) { return parts(this).concat(parts(part)).join('/'); },
        get: function (index) { return parts(this)[index]; },
        size: function () { return parts(this).length; }
    };
    const ofLists = {
        contains: function (one) { return this.includes(one); },
        isEmpty: function () { return this.length === 0; },
        get: function (index) { return this[index]; },
        add: function (one) { this.push(one); return true; },
        size: function () { return this.length; }
    };
    for (const name of keys(ofTexts)) publish(text.prototype, name, ofTexts[name], false);
    for (const name of keys(ofLists)) publish(Array.prototype, name, ofLists[name], false);

    for (const name of keys(variables)) {
        publish(globalThis, name, variables[name], true);
    }

    const Failure = Error, Silent = Proxy;
    function path(value) {
        if (typeof value !== 'string') throw new TypeError('a resource path must be a string');
        return value;
    }
    function list(value) { return value === undefined ? null : value; }
    function name(value) { return value === undefined || value === null ? '' : text(value); }
    function ask(operation, resource, named, content, params, fields) {
        const call = {operation: operation, path: path(resource), name: name(named), content: list(content), params: list(params)};
        const answer = native.ask(call, list(fields));
        if (answer.thrown === undefined) return answer.value;
        const thrown = answer.thrown, failure = new Failure(thrown.message);
        if (thrown.code) publish(failure, 'code', thrown.code, true);
        if (thrown.detail !== null) publish(failure, 'detail', thrown.detail, true);
        publish(failure, 'javaException', exception(thrown), false);
        throw failure;
    }
    // What Rhino puts beside an error that comes from the server.
    function exception(thrown) {
        const code = thrown.code || 500;
        return {
            code: code, message: thrown.message, detail: thrown.detail,
            getCode: function () { return code; },
            getMessage: function () { return thrown.message; },
            getLocalizedMessage: function () { return thrown.message; },
            getDetail: function () { return thrown.detail; },
            toString: function () { return thrown.message; }
        };
    }
    function crypto(value) {
        return typeof value === 'object' && value !== null && typeof value.$crypto === 'object' && value.$crypto !== null ? text(value.$crypto.type) : '';
    }

    publish(globalThis, 'openidm', {
        read: function (resource, params, fields) { return ask('read', resource, '', null, params, fields); },
        query: function (resource, params, fields) { return ask('query', resource, '', null, params, fields); },
        create: function (resource, id, content, params, fields) { return ask('create', resource, id, content, params, fields); },
        update: function (resource, revision, content, params, fields) { return ask('update', resource, revision, content, params, fields); },
        patch: function (resource, revision, operations, params, fields) { return ask('patch', resource, revision, operations, params, fields); },
        'delete': function (resource, revision, params, fields) { return ask('delete', resource, revision, null, params, fields); },
        action: function (resource, action, content, params, fields) { return ask('action', resource, action, content, params, fields); },
        // Nothing stays nothing, and matches nothing.
        hash: function (value, algorithm) { return nothing(value) ? null : ask('hash', '', algorithm, value, null, null); },
        encrypt: function (value, cipher, alias) { return nothing(value) ? null : ask('encrypt', '', alias, value, null, null); },
        decrypt: function (value) { return ask('decrypt', '', '', value, null, null); },
        matches: function (plain, value) { return !nothing(plain) && !nothing(value) && ask('matches', '', plain, value, null, null); },
        isEncrypted: function (value) { const type = crypto(value); return type !== '' && type !== 'salted-hash'; },
        isHashed: function (value) { return crypto(value) === 'salted-hash' || (typeof value === 'string' && begins(value, '$argon2id$')); }
    }, true);

    // As Rhino's: './' and '../' begin at the module that asks, every other name at the project's scripts.
    const loaded = Object.create(null);
    function resolve(from, wanted) {
        const parts = /^\.\.?\//.test(wanted) && from !== '' ? from.split('/').slice(0, -1) : [];
        for (const part of replace(wanted, /\.js$/, '').split('/')) {
            if (part === '..') parts.pop();
            else if (part !== '.' && part !== '') parts.push(part);
        }
        return parts.join('/');
    }
    function requirer(from) {
        return function require(wanted) {
            const found = resolve(from, path(wanted));
            if (found in loaded) return loaded[found].exports;
            const body = native.module(found);
            if (body === undefined) throw new Failure("there is no module '" + found + "' among the project's scripts");
            const module = loaded[found] = {id: found, exports: {}};
            if (typeof body === 'function') body.call(module.exports, module.exports, module, requirer(found));
            // Which functions it has is the product's business; each does nothing.
            else module.exports = new Silent({}, {get: function () { return function () {}; }});
            return module.exports;
        };
    }
    publish(globalThis, 'require', requirer(''), true);

    function show(value) {
        if (typeof value === 'object' && value !== null && !(value instanceof Error)) {
            try { value = stringify(value); } catch (_) { /* its text form is all there is */ }
        }
        return wellFormed(text(value));
    }
    function logger(level, join) {
        return function (message) {
            const rest = arguments;
            let next = 1, line = show(message);
            // As SLF4J does, which IDM's loggers are: every {} takes the next argument.
            if (!join) line = replace(line, /\{\}/g, function (hole) { return next < rest.length ? show(rest[next++]) : hole; });
            for (; join && next < rest.length; next++) line += ' ' + show(rest[next]);
            native.log(level, line);
        };
    }
    const log = {}, console = {};
    for (const level of ['trace', 'debug', 'info', 'warn', 'error']) {
        log[level] = logger(level, false);
        console[level] = logger(level, true);
    }
    console.log = console.info;
    publish(globalThis, 'logger', log, true);
    publish(globalThis, 'console', console, true);

    publish(globalThis, 'identityServer', {
        getProperty: function (name, otherwise) {
            const found = native.property(text(name));
            return found === undefined || found === null ? list(otherwise) : found;
        }
    }, true);
})
