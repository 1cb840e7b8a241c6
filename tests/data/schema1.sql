-- A database as winlogd made it when its schema had version 1.
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE events_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    username VARCHAR(50) NOT NULL,
    action CHAR(1) NOT NULL CHECK (action IN ('C', 'D', 'M')),
    timestamp DATETIME NOT NULL,
    hostname VARCHAR(100),
    source_ip VARCHAR(45),
    server_timestamp DATETIME,
    os_name VARCHAR(50),
    os_version VARCHAR(100),
    kernel_version VARCHAR(50),
    hardware_info TEXT,
    session_uuid VARCHAR(100),
    created_at DATETIME,
    archived_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    origin TEXT NOT NULL DEFAULT 'client'
);
INSERT INTO "events_history" VALUES(1,'SYSTEM','M','2026-01-12T07:59:58Z','PC-01','192.0.2.7','2026-01-12T07:59:59.000250+00:00','Windows','11 (26100)','26100','{"cpu":"i5","ram":8}','hardware_SYSTEM@PC-01@000001','2026-01-12 07:59:59','2026-01-13 00:00:02','client');
INSERT INTO "events_history" VALUES(2,'alice','C','2026-01-12T08:00:00.123456789+00:00','PC-01','192.0.2.7','2026-01-12T08:00:01.000250+00:00','Windows','11 (26100)','26100',NULL,'alice@PC-01@00a001','2026-01-12 08:00:01','2026-01-13 00:00:02','client');
INSERT INTO "events_history" VALUES(3,'alice','D','2026-01-12T09:00:00.123456789+00:00','PC-01','192.0.2.7','2026-01-12T09:00:01.000250+00:00','Windows','11 (26100)','26100',NULL,'alice@PC-01@00a001','2026-01-12 09:00:01','2026-01-13 00:00:02','client');
INSERT INTO "events_history" VALUES(4,'bob','C','2026-01-12T10:00:00Z','PC-01','192.0.2.7','2026-01-12T10:00:01.000250+00:00','Windows','11 (26100)','26100',NULL,'bob@PC-01@00b001','2026-01-12 10:00:01','2026-01-13 00:00:02','client');
INSERT INTO "events_history" VALUES(5,'bob','D','2026-01-12T10:59:59+00:00','PC-01','192.0.2.7','2026-01-12T11:00:01.000250+00:00','Windows','11 (26100)','26100',NULL,'bob@PC-01@00b001','2026-01-12 11:00:01','2026-01-13 00:00:02','auto');
INSERT INTO "events_history" VALUES(6,'bob','C','2026-01-12T11:00:00Z','PC-01','192.0.2.7','2026-01-12T11:00:01.000250+00:00','Windows','11 (26100)','26100',NULL,'bob@PC-01@00b002','2026-01-12 11:00:01','2026-01-13 00:00:02','client');
INSERT INTO "events_history" VALUES(7,'carol','D','2026-01-12T12:00:00Z',NULL,'192.0.2.7','2026-01-12T12:00:01.000250+00:00','Windows','11 (26100)','26100',NULL,'orphan_carol@unknown@00c001','2026-01-12 12:00:01','2026-01-13 00:00:02','client');
INSERT INTO "events_history" VALUES(8,'dave','C','2026-01-11T12:00:00Z','PC-02','192.0.2.7','2026-01-11T12:00:01.000250+00:00','Windows','11 (26100)','26100',NULL,'dave@PC-02@00d001','2026-01-11 12:00:01','2026-01-13 00:00:02','client');
INSERT INTO "events_history" VALUES(9,'dave','D','2026-01-12T12:00:00+00:00','PC-02','192.0.2.7','2026-01-13T00:00:01.000250+00:00','Windows','11 (26100)','26100',NULL,'dave@PC-02@00d001','2026-01-13 00:00:01','2026-01-13 00:00:02','expired');
INSERT INTO "events_history" VALUES(10,'SYSTEM','M','2026-01-12T13:00:00Z','PC-01','192.0.2.7','2026-01-12T13:00:01.000250+00:00','Windows','11 (26100)','26100','{"cpu":"i5","ram":16}','hardware_SYSTEM@PC-01@000002','2026-01-12 13:00:01','2026-01-13 00:00:02','client');
CREATE TABLE events_today (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    username VARCHAR(50) NOT NULL,
    action CHAR(1) NOT NULL CHECK (action IN ('C', 'D', 'M')),
    timestamp DATETIME NOT NULL,
    hostname VARCHAR(100),
    source_ip VARCHAR(45),
    server_timestamp DATETIME DEFAULT CURRENT_TIMESTAMP,
    os_name VARCHAR(50),
    os_version VARCHAR(100),
    kernel_version VARCHAR(50),
    hardware_info TEXT,
    session_uuid VARCHAR(100),
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    origin TEXT NOT NULL DEFAULT 'client'
);
INSERT INTO "events_today" VALUES(11,'bob','D','2026-01-13T00:30:00Z','PC-01','192.0.2.7','2026-01-13T00:30:01.000250+00:00','Windows','11 (26100)','26100',NULL,'bob@PC-01@00b002','2026-01-13 00:30:01','client');
INSERT INTO "events_today" VALUES(12,'erin','C','2026-01-13T08:00:00Z','PC-03','192.0.2.7','2026-01-13T08:00:01.000250+00:00','Windows','11 (26100)','26100',NULL,'erin@PC-03@00e001','2026-01-13 08:00:01','client');
CREATE TABLE winlogd_meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
INSERT INTO "winlogd_meta" VALUES('rotated_day','2026-01-13');
CREATE INDEX idx_today_logoff ON events_today(session_uuid) WHERE action = 'D';
CREATE INDEX idx_history_username ON events_history(username);
CREATE INDEX idx_history_timestamp ON events_history(timestamp);
CREATE INDEX idx_history_hostname ON events_history(hostname);
CREATE INDEX idx_history_session ON events_history(session_uuid);
CREATE INDEX idx_history_date ON events_history(DATE(timestamp));
CREATE VIEW events_all AS
    SELECT id, username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version, kernel_version, hardware_info, session_uuid, created_at, 'today' AS source FROM events_today
    UNION ALL
    SELECT id, username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version, kernel_version, hardware_info, session_uuid, created_at, 'history' AS source FROM events_history;
CREATE VIEW open_sessions AS
    SELECT username, hostname, timestamp AS connected_at, session_uuid, source_ip, os_name, os_version
    FROM events_today c
    WHERE action = 'C' AND session_uuid IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D');
CREATE VIEW sessions AS
    SELECT c.username, c.hostname, c.timestamp AS connected_at,
        (SELECT d.timestamp FROM
    (SELECT id, timestamp, origin, 0 AS today, substr(replace(server_timestamp, ' ', 'T'), 1, 19) AS received FROM events_history
     WHERE session_uuid = c.session_uuid AND action = 'D'
     UNION ALL
     SELECT id, timestamp, origin, 1 AS today, substr(replace(server_timestamp, ' ', 'T'), 1, 19) AS received FROM events_today
     WHERE session_uuid = c.session_uuid AND action = 'D') d
    WHERE received >= c.received OR today > c.today OR (today = c.today AND id > c.id)
    ORDER BY received, today, id LIMIT 1) AS disconnected_at,
        (SELECT max(0.0, round((julianday(CASE WHEN substr(d.timestamp, 18, 2) = '60' THEN substr(d.timestamp, 1, 17) || '59' || substr(d.timestamp, 20) ELSE d.timestamp END) * 86400 + (substr(d.timestamp, 18, 2) = '60')) - (julianday(CASE WHEN substr(c.timestamp, 18, 2) = '60' THEN substr(c.timestamp, 1, 17) || '59' || substr(c.timestamp, 20) ELSE c.timestamp END) * 86400 + (substr(c.timestamp, 18, 2) = '60')), 3)) FROM
    (SELECT id, timestamp, origin, 0 AS today, substr(replace(server_timestamp, ' ', 'T'), 1, 19) AS received FROM events_history
     WHERE session_uuid = c.session_uuid AND action = 'D'
     UNION ALL
     SELECT id, timestamp, origin, 1 AS today, substr(replace(server_timestamp, ' ', 'T'), 1, 19) AS received FROM events_today
     WHERE session_uuid = c.session_uuid AND action = 'D') d
    WHERE received >= c.received OR today > c.today OR (today = c.today AND id > c.id)
    ORDER BY received, today, id LIMIT 1) AS duration_seconds,
        (SELECT d.origin FROM
    (SELECT id, timestamp, origin, 0 AS today, substr(replace(server_timestamp, ' ', 'T'), 1, 19) AS received FROM events_history
     WHERE session_uuid = c.session_uuid AND action = 'D'
     UNION ALL
     SELECT id, timestamp, origin, 1 AS today, substr(replace(server_timestamp, ' ', 'T'), 1, 19) AS received FROM events_today
     WHERE session_uuid = c.session_uuid AND action = 'D') d
    WHERE received >= c.received OR today > c.today OR (today = c.today AND id > c.id)
    ORDER BY received, today, id LIMIT 1) AS ended_by,
        c.session_uuid, c.source_ip, c.os_name, c.os_version
    FROM (SELECT id, 0 AS today, username, hostname, timestamp, substr(replace(server_timestamp, ' ', 'T'), 1, 19) AS received, session_uuid, source_ip, os_name, os_version FROM events_history WHERE action = 'C'
          UNION ALL
          SELECT id, 1 AS today, username, hostname, timestamp, substr(replace(server_timestamp, ' ', 'T'), 1, 19) AS received, session_uuid, source_ip, os_name, os_version FROM events_today WHERE action = 'C') c;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events_history',10);
INSERT INTO "sqlite_sequence" VALUES('events_today',12);
COMMIT;
