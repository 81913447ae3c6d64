// Modules as script tags that call define(), and `text!` for files, in the manner of the old script loaders.
(function () {
    "use strict";
    var modules = {}, asked = {}, latest = null;

    function url(name, suffix) {
        return loader.base + name + suffix + "?" + loader.args;
    }

    function fetchText(name, done) {
        var xhr = new XMLHttpRequest();
        xhr.open("GET", url(name, ""), true);
        xhr.onload = function () { done(xhr.status === 200 ? xhr.responseText : ""); };
        xhr.send();
    }

    function load(name, done) {
        if (name in modules) { return done(modules[name]); }
        (asked[name] = asked[name] || []).push(done);
        if (asked[name].length > 1) { return undefined; }
        function ready(module) {
            modules[name] = module;
            asked[name].forEach(function (waiting) { waiting(module); });
        }
        if (name.indexOf("text!") === 0) { return fetchText(name.slice(5), ready); }
        var script = document.createElement("script");
        script.charset = "utf-8";
        script.async = true;
        script.src = url(name, ".js");
        script.onload = function () {
            var mine = latest;
            latest = null;
            loadAll(mine.needs, function () { ready(mine.make.apply(null, arguments)); });
        };
        document.head.appendChild(script);
        return undefined;
    }

    function loadAll(names, done) {
        var found = [], left = names.length;
        if (left === 0) { return done(); }
        names.forEach(function (name, at) {
            load(name, function (module) {
                found[at] = module;
                left -= 1;
                if (left === 0) { done.apply(null, found); }
            });
        });
        return undefined;
    }

    window.define = function (needs, make) { latest = { needs: needs, make: make }; };
    window.require = loadAll;
    loadAll([document.querySelector("script[data-main]").getAttribute("data-main")], function () {});
}());
