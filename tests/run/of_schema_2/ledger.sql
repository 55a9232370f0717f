PRAGMA application_id = 1852007790;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE classes (
    name    TEXT PRIMARY KEY CHECK (name != ''),
    who     TEXT NOT NULL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE TABLE cycles (
    cycle   INTEGER PRIMARY KEY,
    upto    INTEGER NOT NULL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
INSERT INTO "cycles" VALUES(1,8,'2026-11-29T05:20:12.218Z');
CREATE TABLE events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    who     TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('answer', 'skip', 'unsure', 'undo')),
    id      TEXT NOT NULL REFERENCES items,
    label   TEXT CHECK ((kind = 'answer') = (label IS NOT NULL)),
    cycle   INTEGER NOT NULL,
    hash    TEXT NOT NULL,
    undoes  INTEGER UNIQUE REFERENCES events CHECK ((kind = 'undo') = (undoes IS NOT NULL))
);
INSERT INTO "events" VALUES(1,'2026-11-29T05:19:55.451Z','ann','answer','11.bmp','bee',0,'f609fb79959c5decf148d3fbd2a34477',NULL);
INSERT INTO "events" VALUES(2,'2026-11-29T05:19:55.451Z','ann','answer','00.bmp','ant',0,'0c98c312780a6f534824f78211378eaa',NULL);
INSERT INTO "events" VALUES(3,'2026-11-29T05:19:55.451Z','ann','answer','09.bmp','bee',0,'8d28652baa79c4f7b5800e22c7dc8f2b',NULL);
INSERT INTO "events" VALUES(4,'2026-11-29T05:19:55.451Z','ann','answer','02.bmp','ant',0,'abadd92a4e2b87e5d4f5b9e25e06a298',NULL);
INSERT INTO "events" VALUES(5,'2026-11-29T05:20:04.515Z','ann','answer','01.bmp','bee',0,'1676e6b455c0fcb293683172a2e0d1be',NULL);
INSERT INTO "events" VALUES(6,'2026-11-29T05:20:04.516Z','ann','answer','05.bmp','bee',0,'5b8ed9af69747e60dc41b56a8ff87f92',NULL);
INSERT INTO "events" VALUES(7,'2026-11-29T05:20:04.516Z','ann','answer','06.bmp','ant',0,'da8311aafd0e620292d139dab5a9afba',NULL);
INSERT INTO "events" VALUES(8,'2026-11-29T05:20:04.516Z','ann','answer','12.bmp','ant',0,'195e76a2e0ca724c0adb3b7ae4427c01',NULL);
CREATE TABLE facts (
    key     TEXT PRIMARY KEY,
    value   TEXT NOT NULL
);
INSERT INTO "facts" VALUES('task','classification');
INSERT INTO "facts" VALUES('class_names','["ant", "bee"]');
CREATE TABLE fits (
    cycle   INTEGER PRIMARY KEY REFERENCES cycles,
    report  TEXT NOT NULL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
INSERT INTO "fits" VALUES(1,'{"cycle": 1, "labeled": 4, "steps": 2, "seconds": 0.04746261900072568, "loss": 3.724736213684082, "accuracy": 0.75, "details": {"radius": {"ant": 0.667393684387207, "bee": 0.6345531344413757}}}','2026-11-29T05:20:12.327Z');
CREATE TABLE items (
    id      TEXT PRIMARY KEY,
    hash    TEXT NOT NULL,
    problem TEXT
);
INSERT INTO "items" VALUES('00.bmp','0c98c312780a6f534824f78211378eaa',NULL);
INSERT INTO "items" VALUES('01.bmp','1676e6b455c0fcb293683172a2e0d1be',NULL);
INSERT INTO "items" VALUES('02.bmp','abadd92a4e2b87e5d4f5b9e25e06a298',NULL);
INSERT INTO "items" VALUES('03.bmp','2556ca61edc40c0d05c7d49b0534d9ac',NULL);
INSERT INTO "items" VALUES('04.bmp','d8f0ddb4b7d1a490625774ee6a4ef9c8',NULL);
INSERT INTO "items" VALUES('05.bmp','5b8ed9af69747e60dc41b56a8ff87f92',NULL);
INSERT INTO "items" VALUES('06.bmp','da8311aafd0e620292d139dab5a9afba',NULL);
INSERT INTO "items" VALUES('07.bmp','a19a5502e2aeae1c867ffd2406242795',NULL);
INSERT INTO "items" VALUES('08.bmp','770c8e655ef51a3567efdddc13b4d927',NULL);
INSERT INTO "items" VALUES('09.bmp','8d28652baa79c4f7b5800e22c7dc8f2b',NULL);
INSERT INTO "items" VALUES('10.bmp','19c300625a8cd18ff75bd0e25c7da0ab',NULL);
INSERT INTO "items" VALUES('11.bmp','f609fb79959c5decf148d3fbd2a34477',NULL);
INSERT INTO "items" VALUES('12.bmp','195e76a2e0ca724c0adb3b7ae4427c01',NULL);
INSERT INTO "items" VALUES('13.bmp','bcad80d9ee039954665f0ddbfca40ef5',NULL);
INSERT INTO "items" VALUES('14.bmp','cb4a30eef9015761b871ca1f54c50692',NULL);
INSERT INTO "items" VALUES('15.bmp','9181571f25b1e3a108f77e737365865a',NULL);
CREATE TABLE queried (
    query   INTEGER REFERENCES queries,
    rank    INTEGER,
    id      TEXT NOT NULL REFERENCES items,
    score   REAL NOT NULL,
    PRIMARY KEY (query, rank),
    UNIQUE (query, id)
) WITHOUT ROWID;
INSERT INTO "queried" VALUES(1,0,'11.bmp',0.0);
INSERT INTO "queried" VALUES(1,1,'00.bmp',0.0);
INSERT INTO "queried" VALUES(1,2,'09.bmp',0.0);
INSERT INTO "queried" VALUES(1,3,'02.bmp',0.0);
INSERT INTO "queried" VALUES(2,0,'01.bmp',0.0);
INSERT INTO "queried" VALUES(2,1,'05.bmp',0.0);
INSERT INTO "queried" VALUES(2,2,'06.bmp',0.0);
INSERT INTO "queried" VALUES(2,3,'12.bmp',0.0);
INSERT INTO "queried" VALUES(3,0,'15.bmp',-2.43388116359710693359e-03);
INSERT INTO "queried" VALUES(3,1,'08.bmp',-4.48523461818695068359e-03);
INSERT INTO "queried" VALUES(3,2,'07.bmp',-1.0771617293357849121e-02);
CREATE TABLE queries (
    query    INTEGER PRIMARY KEY,
    cycle    INTEGER NOT NULL,
    strategy TEXT NOT NULL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
INSERT INTO "queries" VALUES(1,0,'held-out set','2026-11-29T05:19:49.852Z');
INSERT INTO "queries" VALUES(2,0,'initial set','2026-11-29T05:20:00.499Z');
INSERT INTO "queries" VALUES(3,1,'margin','2026-11-29T05:20:12.375Z');
CREATE TABLE receipts (
    key     TEXT PRIMARY KEY,
    seq     INTEGER REFERENCES events,
    seconds REAL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX items_by_hash ON items (hash);
CREATE INDEX events_by_id ON events (id);
CREATE INDEX receipts_by_seq ON receipts (seq);
CREATE TRIGGER facts_no_UPDATE BEFORE UPDATE ON facts BEGIN SELECT RAISE(ABORT, 'facts is append-only'); END;
CREATE TRIGGER facts_no_DELETE BEFORE DELETE ON facts BEGIN SELECT RAISE(ABORT, 'facts is append-only'); END;
CREATE TRIGGER classes_no_UPDATE BEFORE UPDATE ON classes BEGIN SELECT RAISE(ABORT, 'classes is append-only'); END;
CREATE TRIGGER classes_no_DELETE BEFORE DELETE ON classes BEGIN SELECT RAISE(ABORT, 'classes is append-only'); END;
CREATE TRIGGER events_no_UPDATE BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
CREATE TRIGGER events_no_DELETE BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
CREATE TRIGGER receipts_no_UPDATE BEFORE UPDATE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts is append-only'); END;
CREATE TRIGGER receipts_no_DELETE BEFORE DELETE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts is append-only'); END;
CREATE TRIGGER cycles_no_UPDATE BEFORE UPDATE ON cycles BEGIN SELECT RAISE(ABORT, 'cycles is append-only'); END;
CREATE TRIGGER cycles_no_DELETE BEFORE DELETE ON cycles BEGIN SELECT RAISE(ABORT, 'cycles is append-only'); END;
CREATE TRIGGER fits_no_UPDATE BEFORE UPDATE ON fits BEGIN SELECT RAISE(ABORT, 'fits is append-only'); END;
CREATE TRIGGER fits_no_DELETE BEFORE DELETE ON fits BEGIN SELECT RAISE(ABORT, 'fits is append-only'); END;
CREATE TRIGGER queries_no_UPDATE BEFORE UPDATE ON queries BEGIN SELECT RAISE(ABORT, 'queries is append-only'); END;
CREATE TRIGGER queries_no_DELETE BEFORE DELETE ON queries BEGIN SELECT RAISE(ABORT, 'queries is append-only'); END;
CREATE TRIGGER queried_no_UPDATE BEFORE UPDATE ON queried BEGIN SELECT RAISE(ABORT, 'queried is append-only'); END;
CREATE TRIGGER queried_no_DELETE BEFORE DELETE ON queried BEGIN SELECT RAISE(ABORT, 'queried is append-only'); END;
CREATE TRIGGER items_no_DELETE BEFORE DELETE ON items BEGIN SELECT RAISE(ABORT, 'items is append-only'); END;
CREATE TRIGGER events_no_replace BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq OR undoes = NEW.undoes)
BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',8);
COMMIT;
