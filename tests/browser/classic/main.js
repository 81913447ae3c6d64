// A client in the manner of the older stock one: a script loader, templates compiled while it runs, sign-in by `info/login`.
define(["libs/ajax", "libs/page", "views/process", "text!locales/translation.json"], function (ajax, page, process, texts) {
    "use strict";
    var user = null, own = null;
    texts = JSON.parse(texts);

    function style() {
        // Themes are written into the page.
        var element = document.createElement("style");
        element.textContent = "body { color: rgb(1, 2, 3) }";
        document.head.appendChild(element);
        document.body.setAttribute("style", "display: block");
    }

    function signedIn(login) {
        ajax({ url: login.authorization.component + "/" + login.authorization.id, success: function (found) {
            own = login.authorization.component + "/" + login.authorization.id;
            user = found;
            location.hash = "profile/";
            route();
        } });
    }

    function logout(then) {
        ajax({ url: "authentication?_action=logout", type: "POST", headers: ajax.anonymous, success: function () { user = null; then(); } });
    }

    function login(headers) {
        headers["X-OpenIDM-NoSession"] = "false";
        logout(function () {
            ajax({ url: "info/login", headers: headers, quiet: true, success: signedIn, error: function () { page.message(texts.wrong); } });
        });
    }

    function showLogin() {
        page.form("login", "Log in", [{ name: "user", label: "user" }, { name: "password", label: "password", type: "password" }], function (values) {
            login({ "X-OpenIDM-Username": ajax.encoded(values.user), "X-OpenIDM-Password": ajax.encoded(values.password) });
        });
    }

    function save(operations, headers) {
        headers["If-Match"] = "\"" + user._rev + "\"";
        ajax({ url: own, type: "PATCH", headers: headers, data: operations, success: function (changed) {
            user = changed;
            page.message(texts.updated);
        }, error: function (body) { page.message(body.code + " " + body.message); } });
    }

    function showProfile() {
        page.profile(user);
        page.addForm("personal", "Update", ["givenName", "sn", "telephoneNumber"].map(function (name) { return { name: name, label: name, value: user[name] }; }), function (values) {
            save(Object.keys(values).filter(function (name) { return (user[name] || "") !== values[name]; }).map(function (name) {
                return { operation: "replace", field: name, value: values[name] };
            }), {});
        });
        page.addForm("secret", "Change password", [{ name: "current", label: "current", type: "password" }, { name: "wanted", label: "new", type: "password" }], function (values) {
            var reauth = { "X-OpenIDM-Reauth-Password": ajax.encoded(values.current) };
            ajax({ url: "authentication?_action=reauthenticate", type: "POST", headers: reauth, success: function () {
                save([{ operation: "replace", field: "/password", value: values.wanted }], reauth);
            }, error: function (body) { page.message(body.message); } });
        });
    }

    function route() {
        var parts = /^#?\/?([^\/]*)\/?(.*)$/.exec(location.hash);
        if (process.handles(parts[1])) {
            process.show(parts[1], parts[2], function (jwt) { login({ "X-OpenIDM-Jwt": jwt }); });
        } else if (parts[1] === "logout") {
            logout(function () { location.hash = "login/"; });
        } else if (user) {
            showProfile();
        } else {
            showLogin();
        }
    }

    ajax.whenLost(function () {
        user = null;
        location.hash = "login/";
        route();
    });
    window.addEventListener("hashchange", route);
    style();
    ajax({ url: "info/uiconfig", headers: ajax.anonymous, success: function (answer) { page.evaluate("window.lang = " + JSON.stringify(answer.configuration.lang)); } });
    ajax({ url: "info/login", quiet: true, success: signedIn, error: route });
    return {};
});
