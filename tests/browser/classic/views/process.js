// Anonymous processes as the older client walks them: one generic form for every stage, and `#passwordReset/&token=…` from the mail.
define(["libs/ajax", "libs/page"], function (ajax, page) {
    "use strict";
    var routes = { register: "registration", passwordReset: "reset", forgotUsername: "username" };

    function parameters(text) {
        var found = {};
        text.replace(/^&/, "").split("&").forEach(function (pair) {
            var at = pair.indexOf("=");
            if (at > 0) { found[pair.slice(0, at)] = decodeURIComponent(pair.slice(at + 1)); }
        });
        return found;
    }

    function fieldsOf(type, requirements) {
        if (type === "userQuery") { return [{ name: "mail", label: "mail" }]; }
        if (type === "resetStage") { return [{ name: "password", label: "password", type: "password" }]; }
        if (requirements.registrationProperties) {
            return Object.keys(requirements.registrationProperties.properties).filter(function (name) {
                return requirements.registrationProperties.properties[name].type === "string";
            }).map(function (name) { return { name: name, label: name }; }).concat([{ name: "password", label: "password", type: "password" }]);
        }
        return Object.keys(requirements.properties || {}).map(function (name) {
            var one = requirements.properties[name];
            return { name: name, label: (one.systemQuestion && one.systemQuestion.en) || one.userQuestion || one.description || name };
        });
    }

    function inputOf(type, values) {
        if (type === "userQuery") { return { queryFilter: "mail eq \"" + values.mail + "\"" }; }
        if (type === "idmUserDetails" || type === "allInOneRegistration") { return { user: values }; }
        return values;
    }

    return {
        handles: function (route) { return Object.prototype.hasOwnProperty.call(routes, route); },
        show: function (route, rest, signedInWith) {
            var process = routes[route], link = parameters(rest), token;

            function submit(input) {
                var data = { input: input };
                if (token) { data.token = token; }
                ajax({ url: "selfservice/" + process + "?_action=submitRequirements", type: "POST", headers: ajax.anonymous, data: data, success: received,
                    error: function (body) { page.message(body.message); } });
            }

            function received(answer) {
                token = answer.token || token;
                if (answer.type === "parameters") { return submit({}); }
                if (answer.type === "localAutoLogin") { return signedInWith(answer.additions.credentialJwt); }
                if (answer.tag === "end") { return page.note("end", (answer.additions && answer.additions.userName) || answer.type); }
                if (answer.type === "emailValidation") { return page.note("mailed", "sent"); }
                return page.form("stage", answer.type, fieldsOf(answer.type, answer.requirements), function (values) { submit(inputOf(answer.type, values)); });
            }

            if (link.token) {
                token = link.token;
                submit({ token: link.token, code: link.code });
            } else {
                ajax({ url: "selfservice/" + process, headers: ajax.anonymous, success: received, error: function (body) { page.message(body.message); } });
            }
        }
    };
});
