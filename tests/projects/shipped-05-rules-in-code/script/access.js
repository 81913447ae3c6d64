/* Rules in code, as the releases up to 6.5 keep them. */

/*jslint vars:true*/

var httpAccessConfig =
{
    "configs" : [
        // who may ask for what
        {
            "pattern" : "info/*",
            "roles" : "*",
            "methods" : "read", // which requests
            "actions" : "*"
        },
        {
            "pattern" : "authentication",
            "roles" : "*",
            "methods" : "read,action", // which requests
            "actions" : "login,logout"
        },
        {
            "pattern" : "identityProviders",
            "roles" : "*",
            "methods" : "action", // which requests
            "actions" : "getAuthRedirect,handlePostAuth"
        },
        {
            "pattern" : "config/ui/themeconfig",
            "roles" : "*",
            "methods" : "read", // which requests
            "actions" : "*"
        },
        {
            "pattern" : "config/selfservice/kbaConfig",
            "roles" : "*",
            "methods" : "read", // which requests
            "actions" : "*",
            "customAuthz" : "checkIfUIIsEnabled('selfRegistration') || checkIfUIIsEnabled('passwordReset')"
        },
        {
            "pattern" : "config/ui/dashboard",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "read", // which requests
            "actions" : "*"
        },
        {
            "pattern" : "info/features",
            "roles" : "*",
            "methods" : "query", // which requests
            "actions" : "*"
        },
        {
            "pattern" : "privilege",
            "roles" : "*",
            "methods" : "action", // which requests
            "actions" : "listPrivileges"
        },
        {
            "pattern" : "privilege/*",
            "roles" : "*",
            "methods" : "read", // which requests
            "actions" : "*"
        },
        {
            "pattern" : "selfservice/registration",
            "roles" : "*",
            "methods" : "read,action", // which requests
            "actions" : "submitRequirements",
            "customAuthz" : "checkIfUIIsEnabled('selfRegistration')"
        },
        {
            "pattern" : "selfservice/socialUserClaim",
            "roles" : "*",
            "methods" : "read,action", // which requests
            "actions" : "submitRequirements",
            "customAuthz" : "checkIfUIIsEnabled('selfRegistration')"
        },
        {
            "pattern" : "selfservice/reset",
            "roles" : "*",
            "methods" : "read,action", // which requests
            "actions" : "submitRequirements",
            "customAuthz" : "checkIfUIIsEnabled('passwordReset')"
        },
        {
            "pattern" : "selfservice/username",
            "roles" : "*",
            "methods" : "read,action", // which requests
            "actions" : "submitRequirements",
            "customAuthz" : "checkIfUIIsEnabled('forgotUsername')"
        },
        {
            "pattern" : "selfservice/profile",
            "roles" : "*",
            "methods" : "read,action", // which requests
            "actions" : "submitRequirements"
        },
        {
            "pattern" : "selfservice/termsAndConditions",
            "roles" : "*",
            "methods" : "read,action", // which requests
            "actions" : "submitRequirements"
        },
        {
            "pattern" : "selfservice/kbaUpdate",
            "roles" : "*",
            "methods" : "read,action", // which requests
            "actions" : "submitRequirements"
        },
        {
            "pattern" : "policy/*",
            "roles" : "*",
            "methods" : "action", // which requests
            "actions" : "validateObject",
            "customAuthz" : "context.current.name === 'selfservice'"
        },
        {
            "pattern" : "policy/selfservice/registration",
            "roles" : "*",
            "methods" : "action,read", // which requests
            "actions" : "validateObject",
            "customAuthz" : "checkIfUIIsEnabled('selfRegistration')"
        },
        {
            "pattern" : "policy/selfservice/reset",
            "roles" : "*",
            "methods" : "action,read", // which requests
            "actions" : "validateObject",
            "customAuthz" : "checkIfUIIsEnabled('passwordReset')"
        },
        {
            "pattern" : "selfservice/kba",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "read", // which requests
            "actions" : "*",
            "customAuthz" : "checkIfUIIsEnabled('kbaEnabled')"
        },
        {
            "pattern" : "managed/user",
            "roles" : "internal/role/openidm-reg",
            "methods" : "create", // which requests
            "actions" : "*",
            "customAuthz" : "checkIfUIIsEnabled('selfRegistration') && isSelfServiceRequest() && onlyEditableManagedObjectProperties('user', [])"
        },
        {
            "pattern" : "managed/user",
            "roles" : "*",
            "methods" : "query", // which requests
            "actions" : "*",
            "customAuthz" : "(checkIfUIIsEnabled('selfRegistration') || checkIfUIIsEnabled('forgotUsername') || checkIfUIIsEnabled('passwordReset')) && isSelfServiceRequest()"
        },
        {
            "pattern" : "managed/user/*",
            "roles" : "*",
            "methods" : "read", // which requests
            "actions" : "*",
            "customAuthz" : "(checkIfUIIsEnabled('forgotUsername') || checkIfUIIsEnabled('passwordReset')) && isSelfServiceRequest()"
        },
        {
            "pattern" : "managed/user/*",
            "roles" : "*",
            "methods" : "patch,action", // which requests
            "actions" : "patch",
            "customAuthz" : "(checkIfUIIsEnabled('selfRegistration') || checkIfUIIsEnabled('passwordReset') || checkIfProgressiveProfileIsEnabled()) && isSelfServiceRequest() && onlyEditableManagedObjectProperties('user', [])"
        },
        {
            "pattern" : "external/email",
            "roles" : "*",
            "methods" : "action", // which requests
            "actions" : "send",
            "customAuthz" : "(checkIfUIIsEnabled('forgotUsername') || checkIfUIIsEnabled('passwordReset') || checkIfUIIsEnabled('selfRegistration')) && isSelfServiceRequest()"
        },
        {
            "pattern" : "schema/*",
            "roles" : "internal/role/openidm-authorized,internal/role/openidm-authenticated",
            "methods" : "read", // which requests
            "actions" : "*"
        },
        {
            "pattern" : "consent",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "action", // which requests
            "actions" : "*"
        },
        {
            "pattern" : "*",
            "roles" : "internal/role/openidm-admin",
            "methods" : "*", // which requests
            "actions" : "*",
            "customAuthz" : "disallowQueryExpression()",
            "excludePatterns" : "repo,repo/*"
        },
        {
            "pattern" : "system/*",
            "roles" : "internal/role/openidm-admin",
            "methods" : "create,read,update,delete,patch,query", // which requests
            "actions" : "",
            "customAuthz" : "disallowQueryExpression()"
        },
        {
            "pattern" : "system/*",
            "roles" : "internal/role/openidm-admin",
            "methods" : "script", // which requests
            "actions" : "*"
        },
        {
            "pattern" : "system/*",
            "roles" : "internal/role/openidm-admin",
            "methods" : "action", // which requests
            "actions" : "test,testConfig,createconfiguration,liveSync,authenticate"
        },
        {
            "pattern" : "repo",
            "roles" : "internal/role/openidm-admin",
            "methods" : "*", // which requests
            "actions" : "*",
            "customAuthz" : "disallowCommandAction()"
        },
        {
            "pattern" : "repo/link",
            "roles" : "internal/role/openidm-admin",
            "methods" : "action", // which requests
            "actions" : "command",
            "customAuthz" : "request.additionalParameters.commandId === 'delete-mapping-links'"
        },
        {
            "pattern" : "policy/*",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "read,action", // which requests
            "actions" : "*"
        },
        {
            "pattern" : "config/ui/*",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "read", // which requests
            "actions" : "*"
        },
        {
            "pattern" : "authentication",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "action", // which requests
            "actions" : "reauthenticate"
        },
        {
            "pattern" : "*",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "read,action,delete", // which requests
            "actions" : "bind,unbind",
            "customAuthz" : "ownDataOnly()"
        },
        {
            "pattern" : "*",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "update,patch,action", // which requests
            "actions" : "patch",
            "customAuthz" : "ownDataOnly() && onlyEditableManagedObjectProperties('user', []) && reauthIfProtectedAttributeChange()"
        },
        {
            "pattern" : "selfservice/user/*",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "patch,action", // which requests
            "actions" : "patch",
            "customAuthz" : "(request.resourcePath === 'selfservice/user/' + context.security.authorization.id) && onlyEditableManagedObjectProperties('user', [])"
        },
        {
            "pattern" : "notification/*",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "read", // which requests
            "actions" : "",
            "customAuthz" : "openidm.read(request.resourcePath, null, ['target']).target._ref === (context.security.authorization.component + '/' + context.security.authorization.id)"
        },
        {
            "pattern" : "notification",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "action", // which requests
            "actions" : "deleteNotificationsForTarget",
            "customAuthz" : "request.additionalParameters.target === (context.security.authorization.component + '/' + context.security.authorization.id)"
        },
        {
            "pattern" : "notification/*",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "delete", // which requests
            "actions" : "",
            "customAuthz" : "openidm.read(request.resourcePath, null, ['target']).target._ref === (context.security.authorization.component + '/' + context.security.authorization.id)"
        },
        {
            "pattern" : "endpoint/getprocessesforuser",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "read", // which requests
            "actions" : "*"
        },
        {
            "pattern" : "workflow/taskinstance/*",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "action", // which requests
            "actions" : "complete",
            "customAuthz" : "isMyTask()"
        },
        {
            "pattern" : "workflow/taskinstance/*",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "read,update", // which requests
            "actions" : "*",
            "customAuthz" : "canUpdateTask()"
        },
        {
            "pattern" : "workflow/processinstance",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "create", // which requests
            "actions" : "*",
            "customAuthz" : "isAllowedToStartProcess()"
        },
        {
            "pattern" : "managed/user",
            "roles" : "internal/role/openidm-authorized",
            "methods" : "query", // which requests
            "actions" : "*",
            "customAuthz" : "isQueryOneOf({'managed/user': ['for-userName']})"
        },
        {
            "pattern" : "managed/user/*",
            "roles" : "internal/role/openidm-cert",
            "methods" : "patch,action", // which requests
            "actions" : "patch",
            "customAuthz" : "restrictPatchToFields(['password'])"
        }
    ]
};

// Additional custom authorization functions go here
