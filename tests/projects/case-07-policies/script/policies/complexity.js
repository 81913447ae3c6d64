addPolicy({
    "policyId": "addsPasswordComplexity",
    "policyExec": "addsPasswordComplexity",
    "clientValidation": false,
    "validateOnlyIfPresent": true,
    "policyRequirements": ["PASSWORD_COMPLEXITY"]
});

function addsPasswordComplexity(fullObject, value, params, property) {
    var kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/];
    var found = kinds.filter(function (kind) {
        return kind.test(value);
    });
    return found.length >= 3 ? [] : [{"policyRequirement": "PASSWORD_COMPLEXITY", "params": {"kinds": 3}}];
}
