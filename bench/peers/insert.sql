\set conversation random(1, 250)
INSERT INTO messages (conversation, author, body) VALUES ('c' || :conversation, 'p1', repeat('Is the bike still there? ', 9)) RETURNING id, created_at;
