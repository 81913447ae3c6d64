// What stands on the page, made from templates.
define(["libs/template", "text!templates/form.html", "text!templates/note.html", "text!templates/profile.html"], function (template, form, note, profile) {
    "use strict";
    var content = document.getElementById("content");

    function put(place, html) {
        place.insertAdjacentHTML("beforeend", html);
        return place.lastElementChild;
    }

    function addForm(place, id, title, fields, act) {
        fields.forEach(function (field) { field.type = field.type || "text"; field.value = field.value || ""; });
        var made = put(place, template.render(form, { id: id, title: title, fields: fields, button: id + "Go" }));
        made.addEventListener("submit", function (event) {
            var values = {};
            event.preventDefault();
            fields.forEach(function (field) { values[field.name] = made.elements[field.name].value; });
            act(values);
        });
    }

    return {
        form: function (id, title, fields, act) { content.innerHTML = ""; addForm(content, id, title, fields, act); },
        note: function (id, text) { content.innerHTML = template.render(note, { id: id, text: text }); },
        profile: function (user) { content.innerHTML = template.render(profile, user); },
        addForm: function (id, title, fields, act) { addForm(document.getElementById("forms"), id, title, fields, act); },
        message: function (text) { put(document.getElementById("messages"), template.render(note, { id: "message", text: text })); },
        evaluate: template.evaluate
    };
});
