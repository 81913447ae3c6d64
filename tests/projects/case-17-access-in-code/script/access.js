// The rules of this house, as releases before 7 have them: in code.
/*jslint vars:true*/

var editable = ["givenName", "sn", "telephoneNumber"].join(",");

var httpAccessConfig =
{
    "configs" : [
        // Anybody
        { "pattern" : "info/*", "roles" : "*", "methods" : "read", "actions" : "*" },
        { "pattern" : "authentication", "roles" : "*", "methods" : "read,action", "actions" : "login,logout" },
        { "pattern" : "config/ui/configuration", "roles" : "*", "methods" : "read", "actions" : "*" },
        { "pattern" : "info/features", "roles" : "*", "methods" : "query", "actions" : "*" },
        {
            "pattern" : "selfservice/reset",
            "roles" : "*",
            "methods" : "read,action",
            "actions" : "submitRequirements",
            "customAuthz" : "checkIfUIIsEnabled('passwordReset')"
        },
        {
            "pattern" : "selfservice/username",
            "roles" : "*",
            "methods" : "read,action",
            "actions" : "submitRequirements",
            "customAuthz" : "checkIfUIIsEnabled('forgotUsername')"
        },
        { "pattern" : "selfservice/kba", "roles" : "openidm-authorized", "methods" : "read", "actions" : "*" },

        // Administrators
        {
            "pattern" : "*",
            "roles" : "openidm-admin",
            "methods" : "*", // default to all methods allowed
            "actions" : "*",
            "customAuthz" : "disallowQueryExpression()",
            "excludePatterns" : "repo,repo/*"
        },

        // Whoever is signed in
        {
            "pattern" : "*",
            "roles" : "openidm-authorized",
            "methods" : "read",
            "actions" : "*",
            "customAuthz" : "ownDataOnly() || (isQueryOneOf({'managed/user/': ['query-all']}) && disallowQueryExpression())"
        },
        {
            "pattern" : "*",
            "roles" : "openidm-authorized",
            "methods" : "patch,action",
            "actions" : "patch",
            "customAuthz" : "ownDataOnly() && managedUserRestrictedToAllowedProperties('" + editable + "')"
        },
        {
            "pattern" : "managed/user/*",
            "roles" : "openidm-authorized",
            "methods" : "read",
            "actions" : "",
            "customAuthz" : "asksForColleague()"
        }
    ]
};

// Additional custom authorization functions go here

function asksForColleague() {
    return request.additionalParameters.because === "colleague" && context.security.authorization.roles.length > 0;
}
