// Evaluated before a project's own policy files: what they expect to find around them, and what calls them afterwards.
(function (global) {
    'use strict';
    const known = Object.create(null), define = Object.defineProperty, keys = Object.keys, load = global.require;
    // A file may give these names to variables of its own.
    const asked = global.asked, whole = global.fullObject, failures = Array.isArray(global.failures) ? global.failures : [];
    let added = 0, product = {};

    function implementation(policy) {
        const exec = policy.policyExec;
        if (typeof exec === 'function') return exec;
        const impl = global.policyImpl, holders = [impl, global.policyFunctions, global];
        for (const holder of holders) {
            if (holder && typeof holder[exec] === 'function' && holder[exec] !== product[exec]) return holder[exec];
        }
        return product[exec];
    }

    function says(value) { return value === true || typeof value === 'string' && value.trim().toLowerCase() === 'true'; }

    define(global, '_', {
        configurable: true,
        get: function () { const library = load('lib/lodash'); global._ = library; return library; },
        set: function (value) { define(global, '_', {value: value, writable: true, configurable: true}); }
    });
    global.policyImpl = global.policyFunctions = {};
    global.addPolicy = function (policy) {
        if (policy === null || typeof policy !== 'object' || typeof policy.policyId !== 'string') {
            throw new TypeError("addPolicy needs an object with a 'policyId'");
        }
        known[policy.policyId] = {policy: policy, order: ++added};
    };
    if (!Array.isArray(global.failures)) global.failures = [];

    define(global, Symbol.for('policies'), {value: {
        product: function (functions) {
            product = functions;
            for (const name of keys(functions)) global.policyImpl[name] = functions[name];
        },
        missing: function (self) {
            const failed = self && Array.isArray(self.failedPolicyRequirements) ? self.failedPolicyRequirements : failures;
            return failed.some(function (requirement) { return requirement.policyRequirement === 'REQUIRED'; });
        },
        list: function () {
            return keys(known).map(function (id) {
                const policy = known[id].policy;
                return {
                    policyId: id,
                    policyExec: typeof policy.policyExec === 'string' ? policy.policyExec : '',
                    policyRequirements: policy.policyRequirements,
                    validateOnlyIfPresent: says(policy.validateOnlyIfPresent),
                    order: known[id].order,
                    found: implementation(policy) !== undefined
                };
            });
        },
        call: function () {
            const value = asked.given ? asked.value : undefined;
            const self = {failedPolicyRequirements: failures, allPolicyRequirements: [].concat(asked.policyRequirements || [])};
            return implementation(known[asked.policyId].policy).call(self, whole, value, asked.params, asked.property);
        }
    }});
}(globalThis))
