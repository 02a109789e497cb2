-- The example schema: a Korean school record (학교생활기록부).
CREATE TABLE learner (
    learner text COLLATE "C" NOT NULL PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    birth_date date,
    sex text COLLATE "C",
    address text COLLATE "C",
    admitted_on date
);

CREATE TABLE enrolment (
    learner text COLLATE "C" NOT NULL,
    year bigint NOT NULL,
    school text COLLATE "C" NOT NULL,
    grade bigint NOT NULL CHECK (grade BETWEEN 1 AND 12),
    class bigint,
    number bigint,
    status text COLLATE "C" NOT NULL DEFAULT 'enrolled',
    since date,
    PRIMARY KEY (learner, year)
);

CREATE TABLE attendance (
    learner text COLLATE "C" NOT NULL,
    year bigint NOT NULL,
    term bigint NOT NULL CHECK (term BETWEEN 1 AND 4),
    school_days bigint CHECK (school_days >= 0),
    absent bigint NOT NULL DEFAULT 0 CHECK (absent >= 0),
    late bigint NOT NULL DEFAULT 0 CHECK (late >= 0),
    left_early bigint NOT NULL DEFAULT 0 CHECK (left_early >= 0),
    remark text COLLATE "C",
    PRIMARY KEY (learner, year, term)
);

CREATE TABLE grades (
    learner text COLLATE "C" NOT NULL,
    year bigint NOT NULL,
    term bigint NOT NULL CHECK (term BETWEEN 1 AND 4),
    subject text COLLATE "C" NOT NULL,
    score bigint CHECK (score BETWEEN 0 AND 100),
    achievement text COLLATE "C",
    credits bigint,
    confirmed boolean NOT NULL DEFAULT false,
    graded_on date,
    PRIMARY KEY (learner, year, term, subject)
);

CREATE TABLE awards (
    learner text COLLATE "C" NOT NULL,
    awarded_on date NOT NULL,
    title text COLLATE "C" NOT NULL,
    place text COLLATE "C",
    awarded_by text COLLATE "C",
    participants bigint,
    PRIMARY KEY (learner, awarded_on, title)
);

CREATE TABLE notes (
    learner text COLLATE "C" NOT NULL,
    year bigint NOT NULL,
    area text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    content text COLLATE "C" NOT NULL,
    written_at timestamptz,
    PRIMARY KEY (learner, year, area, number)
);
