// Evaluated in every fresh context before the script, and called with its variables, its time and the natives of globals.rs.
// Whatever a script changes afterwards, it changes for itself alone.
(function (variables, now, native) {
    'use strict';
    const define = Object.defineProperty, keys = Object.keys, stringify = JSON.stringify, text = String;
    const wellFormed = Function.prototype.call.bind(text.prototype.toWellFormed);
    const replace = Function.prototype.call.bind(text.prototype.replace);

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

    for (const name of keys(variables)) {
        publish(globalThis, name, variables[name], true);
    }

    function path(value) {
        if (typeof value !== 'string') throw new TypeError('a resource path must be a string');
        return value;
    }
    function list(value) { return value === undefined ? null : value; }

    const openidm = {
        read: function (resource, params, fields) { return native.read(path(resource), list(fields)); },
        query: function (resource, params, fields) { return native.query(path(resource), list(params), list(fields)); }
    };
    for (const name of ['create', 'update', 'patch', 'delete', 'action', 'encrypt', 'decrypt', 'hash']) {
        openidm[name] = function () { throw new Error('openidm.' + name + ' is not available: this script may only read'); };
    }
    publish(globalThis, 'openidm', openidm, true);

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
