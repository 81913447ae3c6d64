-- What the project's files said each time they were taken up. `mark` is a keyed digest of the text, empty where the file was gone; `who` is
-- empty where nobody changed it over REST.
CREATE TABLE config_version (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path TEXT COLLATE "C" NOT NULL,
    mark TEXT NOT NULL,
    sealed TEXT,
    noted BIGINT NOT NULL,
    who TEXT NOT NULL
);
CREATE INDEX config_version_path ON config_version (path, number);
