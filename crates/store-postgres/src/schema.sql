-- Tables and functions of one authority. All nodes that share it see the same.
--
-- One advisory lock a roster orders all that happens to it. It is taken before anything is
-- written, so the number that PostgreSQL gives a transaction grows in the order in which the
-- roster changes, and the journal can be read in that order.

CREATE TABLE innkeeper.store (
    one                bool PRIMARY KEY DEFAULT true CHECK (one),
    format             int NOT NULL,
    store_generation   bigint NOT NULL,
    floor_epoch        bigint NOT NULL,
    floor_generation   bigint NOT NULL,
    floor_before       bigint NOT NULL,
    floor_version      bigint NOT NULL,
    floor_rose_at      bigint NOT NULL,
    generation_high    bigint NOT NULL,
    version_high       bigint NOT NULL,
    -- Above every time that was handed out.
    time_ceiling       bigint NOT NULL,
    -- The last journal entry that was let go of.
    trimmed_xid        bigint NOT NULL DEFAULT 0,
    trimmed_place      bigint NOT NULL DEFAULT 0
);

-- One row a subject. What is not a session of it is in `head`.
CREATE TABLE innkeeper.roster (
    tag        bytea PRIMARY KEY CHECK (length(tag) = 16),
    tenant     text NOT NULL,
    subject    text NOT NULL,
    version    bigint NOT NULL,
    generation bigint NOT NULL,
    disabled   bool NOT NULL,
    failures   int NOT NULL,
    head       bytea NOT NULL
);
CREATE INDEX roster_tenant ON innkeeper.roster (tenant);

-- One row a session that is recorded as live. A roster has a thousand slots and no more.
CREATE TABLE innkeeper.session (
    tag        bytea NOT NULL REFERENCES innkeeper.roster ON DELETE CASCADE,
    slot       smallint NOT NULL CHECK (slot BETWEEN 1 AND 1000),
    birth      bigint NOT NULL,
    serial     bytea NOT NULL,
    generation bigint NOT NULL,
    -- Milliseconds since 1970, as all moments here.
    created_at bigint NOT NULL,
    last_seen  bigint NOT NULL,
    idle       bigint NOT NULL,
    absolute_deadline bigint NOT NULL,
    -- The end of the grace of the token before the current one.
    grace_end  bigint,
    client     text,
    label      text,
    address    text,
    record     bytea NOT NULL,
    PRIMARY KEY (tag, slot),
    UNIQUE (tag, serial)
);

CREATE TABLE innkeeper.journal (
    xid      bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    place    bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    tag      bytea NOT NULL,
    seq      bigint NOT NULL,
    entry    bytea NOT NULL,
    personal bytea,
    PRIMARY KEY (xid, place),
    UNIQUE (tag, seq)
);

-- Answers that may have to be given again.
CREATE TABLE innkeeper.remembered (
    key         bytea PRIMARY KEY,
    tag         bytea NOT NULL,
    valid_until bigint NOT NULL,
    record      bytea NOT NULL
);
CREATE INDEX remembered_tag ON innkeeper.remembered (tag);
CREATE INDEX remembered_until ON innkeeper.remembered (valid_until);

-- Values that are not sessions. Under '' lies the highest version that a removed one had.
CREATE TABLE innkeeper.register (
    name    text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    value   bytea
);

-- Puts a value where the version `seen` is, or where there is none. Answers with its new version, or
-- with nothing if another came first. Of a removed one nothing is left but how high it came.
CREATE FUNCTION innkeeper.put(called text, seen bigint, put bytea) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    made bigint;
BEGIN
    IF seen IS NOT NULL AND put IS NOT NULL THEN
        UPDATE innkeeper.register SET version = version + 1, value = put
         WHERE name = called AND version = seen AND value IS NOT NULL RETURNING version INTO made;
        RETURN made;
    END IF;
    -- Names come and go one after the other: whoever brings one back begins above where it ended.
    PERFORM pg_advisory_xact_lock(hashtextextended('innkeeper register', 0));
    IF put IS NULL THEN
        DELETE FROM innkeeper.register
         WHERE name = called AND version = seen AND value IS NOT NULL
        RETURNING version + 1 INTO made;
        IF made IS NOT NULL THEN
            INSERT INTO innkeeper.register AS r (name, version) VALUES ('', made)
                ON CONFLICT (name) DO UPDATE SET version = greatest(r.version, EXCLUDED.version);
        END IF;
        RETURN made;
    END IF;
    INSERT INTO innkeeper.register (name, version, value)
    SELECT called, coalesce(max(version), 0) + 1, put FROM innkeeper.register WHERE name = ''
        ON CONFLICT (name) DO NOTHING RETURNING version INTO made;
    RETURN made;
END $$;

-- Sessions as a person asks for them. Nothing that validates a token is in it.
CREATE VIEW innkeeper.sessions AS
SELECT roster.tenant,
       roster.subject,
       'ses_' || encode(session.tag || session.serial, 'hex') AS place,
       session.client,
       session.label AS device,
       session.address,
       to_timestamp(session.created_at / 1000.0) AS created_at,
       to_timestamp(session.last_seen / 1000.0) AS last_seen,
       to_timestamp(least(session.last_seen + session.idle, session.absolute_deadline) / 1000.0)
           AS expires_at
  FROM innkeeper.session JOIN innkeeper.roster USING (tag)
 WHERE session.generation = roster.generation
   AND NOT roster.disabled;

-- The server's clock, in milliseconds.
CREATE FUNCTION innkeeper.clock() RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

-- A roster, once nobody changes it. `alone` keeps others away until the transaction ends.
CREATE FUNCTION innkeeper.look(
    of bytea, lock bigint, alone bool, wanted bytea[],
    OUT now bigint,
    OUT store_generation bigint, OUT floor_epoch bigint, OUT floor_generation bigint,
    OUT floor_before bigint, OUT floor_version bigint,
    OUT head bytea, OUT version bigint, OUT failures int,
    OUT slots smallint[], OUT records bytea[], OUT seen bigint[], OUT graces bigint[],
    OUT keys bytea[], OUT held_until bigint[]
) LANGUAGE plpgsql VOLATILE SET lock_timeout = '5s' AS $$
BEGIN
    IF alone THEN
        -- The floor does not rise beneath a commit.
        PERFORM pg_advisory_xact_lock_shared(0);
        PERFORM pg_advisory_xact_lock(lock);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(lock);
    END IF;
    -- Time and what is read are of after the lock: each statement here looks anew.
    now := innkeeper.clock();
    SELECT s.store_generation, s.floor_epoch, s.floor_generation, s.floor_before, s.floor_version
      INTO store_generation, floor_epoch, floor_generation, floor_before, floor_version
      FROM innkeeper.store s;
    SELECT r.head, r.version, r.failures INTO head, version, failures
      FROM innkeeper.roster r WHERE r.tag = of;
    SELECT array_agg(s.slot ORDER BY s.birth), array_agg(s.record ORDER BY s.birth),
           array_agg(s.last_seen ORDER BY s.birth), array_agg(s.grace_end ORDER BY s.birth)
      INTO slots, records, seen, graces
      FROM innkeeper.session s WHERE s.tag = of;
    SELECT array_agg(k.record) INTO keys
      FROM innkeeper.remembered k WHERE k.key = ANY (wanted);
    SELECT array_agg(k.valid_until) INTO held_until
      FROM innkeeper.remembered k WHERE k.tag = of;
END $$;

-- How many sessions of a tenant are live in all rosters but one. The tenant is locked by then.
CREATE FUNCTION innkeeper.live_beside(of text, but bytea, at bigint) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    SELECT count(*)
      FROM innkeeper.session s JOIN innkeeper.roster r USING (tag)
     WHERE r.tenant = of AND r.tag <> but AND NOT r.disabled
       AND s.generation = r.generation
       AND at < least(s.last_seen + s.idle, s.absolute_deadline)
$$;

-- Writes what a commit leaves: the roster, the sessions that are new or other than before, its one
-- journal entry, and what to remember of the answer. `gone` are the slots of sessions that ended.
CREATE FUNCTION innkeeper.write(
    of bytea, its_tenant text, its_subject text, its_version bigint, its_generation bigint,
    is_disabled bool, failed int, its_head bytea,
    gone smallint[], slots smallint[], births bigint[], serials bytea[], generations bigint[],
    created bigint[], seen bigint[], idles bigint[], deadlines bigint[], graces bigint[],
    clients text[], labels text[], addresses text[], records bytea[],
    its_entry bytea, its_personal bytea,
    keys bytea[], until bigint[], answers bytea[], at bigint
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    kept bigint;
BEGIN
    UPDATE innkeeper.roster
       SET version = its_version, generation = its_generation, disabled = is_disabled,
           failures = failed, head = its_head
     WHERE tag = of;
    IF NOT FOUND THEN
        INSERT INTO innkeeper.roster
        VALUES (of, its_tenant, its_subject, its_version, its_generation, is_disabled, failed,
                its_head);
    END IF;
    DELETE FROM innkeeper.session WHERE tag = of AND slot = ANY (gone || slots);
    INSERT INTO innkeeper.session
    SELECT of, u.*
      FROM unnest(slots, births, serials, generations, created, seen, idles, deadlines, graces,
                  clients, labels, addresses, records) AS u;
    INSERT INTO innkeeper.journal (tag, seq, entry, personal)
    VALUES (of, its_version, its_entry, its_personal);
    -- A key that is still remembered stays, whichever roster it belongs to.
    INSERT INTO innkeeper.remembered AS r
    SELECT u.key, of, u.until, u.answer FROM unnest(keys, until, answers) AS u (key, until, answer)
        ON CONFLICT (key) DO UPDATE
       SET tag = EXCLUDED.tag, valid_until = EXCLUDED.valid_until, record = EXCLUDED.record
     WHERE r.valid_until <= at;
    GET DIAGNOSTICS kept = ROW_COUNT;
    IF kept < coalesce(array_length(keys, 1), 0) THEN
        RAISE EXCEPTION 'a key is remembered already' USING ERRCODE = 'IK001';
    END IF;
    -- Told when the transaction commits: nodes that hold this roster let go of it.
    PERFORM pg_notify('innkeeper', encode(of, 'hex') || ' ' || its_version);
END $$;
