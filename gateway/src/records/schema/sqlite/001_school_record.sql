-- The example schema: a Korean school record (학교생활기록부).
CREATE TABLE learner (
    learner TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    birth_date TEXT,
    sex TEXT,
    address TEXT,
    admitted_on TEXT
) STRICT;

CREATE TABLE enrolment (
    learner TEXT NOT NULL,
    year INTEGER NOT NULL,
    school TEXT NOT NULL,
    grade INTEGER NOT NULL CHECK (grade BETWEEN 1 AND 12),
    class INTEGER,
    number INTEGER,
    status TEXT NOT NULL DEFAULT 'enrolled',
    since TEXT,
    PRIMARY KEY (learner, year)
) STRICT;

CREATE TABLE attendance (
    learner TEXT NOT NULL,
    year INTEGER NOT NULL,
    term INTEGER NOT NULL CHECK (term BETWEEN 1 AND 4),
    school_days INTEGER CHECK (school_days >= 0),
    absent INTEGER NOT NULL DEFAULT 0 CHECK (absent >= 0),
    late INTEGER NOT NULL DEFAULT 0 CHECK (late >= 0),
    left_early INTEGER NOT NULL DEFAULT 0 CHECK (left_early >= 0),
    remark TEXT,
    PRIMARY KEY (learner, year, term)
) STRICT;

CREATE TABLE grades (
    learner TEXT NOT NULL,
    year INTEGER NOT NULL,
    term INTEGER NOT NULL CHECK (term BETWEEN 1 AND 4),
    subject TEXT NOT NULL,
    score INTEGER CHECK (score BETWEEN 0 AND 100),
    achievement TEXT,
    credits INTEGER,
    confirmed INTEGER NOT NULL DEFAULT 0 CHECK (confirmed IN (0, 1)),
    graded_on TEXT,
    PRIMARY KEY (learner, year, term, subject)
) STRICT;

CREATE TABLE awards (
    learner TEXT NOT NULL,
    awarded_on TEXT NOT NULL,
    title TEXT NOT NULL,
    place TEXT,
    awarded_by TEXT,
    participants INTEGER,
    PRIMARY KEY (learner, awarded_on, title)
) STRICT;

CREATE TABLE notes (
    learner TEXT NOT NULL,
    year INTEGER NOT NULL,
    area TEXT NOT NULL,
    number INTEGER NOT NULL,
    content TEXT NOT NULL,
    written_at TEXT,
    PRIMARY KEY (learner, year, area, number)
) STRICT;
