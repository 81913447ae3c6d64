// Evaluated before a project's own policy files: what they expect to find around them, and what calls them afterwards.
(function (global) {
    'use strict';
    const known = Object.create(null), define = Object.defineProperty, keys = Object.keys;

    function implementation(policy) {
        const exec = policy.policyExec;
        if (typeof exec === 'function') return exec;
        for (const holder of [global.policyImpl, global.policyFunctions, global]) {
            if (holder && typeof holder[exec] === 'function') return holder[exec];
        }
        return undefined;
    }

    global.policyImpl = global.policyFunctions = {};
    global.addPolicy = function (policy) {
        if (policy === null || typeof policy !== 'object' || typeof policy.policyId !== 'string') {
            throw new TypeError("addPolicy needs an object with a 'policyId'");
        }
        known[policy.policyId] = policy;
    };
    if (!Array.isArray(global.failures)) global.failures = [];

    define(global, Symbol.for('policies'), {value: {
        list: function () {
            return keys(known).map(function (id) {
                const policy = known[id];
                return {
                    policyId: id,
                    policyExec: typeof policy.policyExec === 'string' ? policy.policyExec : '',
                    policyRequirements: policy.policyRequirements,
                    validateOnlyIfPresent: policy.validateOnlyIfPresent === true,
                    found: implementation(policy) !== undefined
                };
            });
        },
        call: function () {
            const asked = global.asked;
            const value = asked.given ? asked.value : undefined;
            const self = {failedPolicyRequirements: global.failures};
            return implementation(known[asked.policyId]).call(self, global.fullObject, value, asked.params, asked.property);
        }
    }});
}(globalThis))
