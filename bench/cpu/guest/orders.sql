-- Inserts, indexes, joins and aggregates in memory.
CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, city INTEGER);
CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer INTEGER, amount INTEGER, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
  INSERT INTO customer SELECT i, printf('customer %05d', (i * 7919) % 100003), i % 37 FROM n;
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
  INSERT INTO purchase SELECT i, (i * 31) % 2000 + 1, (i * i) % 9973, hex(i * 2654435761 % 4294967296) FROM n;
COMMIT;
CREATE INDEX by_customer ON purchase (customer, amount);
SELECT city, count(*), sum(amount), max(note) FROM customer JOIN purchase ON customer.id = purchase.customer
  GROUP BY city ORDER BY 3 DESC, 1 LIMIT 10;
UPDATE purchase SET amount = amount + 1 WHERE note LIKE '%A%';
SELECT name, (SELECT max(amount) FROM purchase WHERE customer = customer.id) AS most FROM customer ORDER BY most, name LIMIT 5;
DELETE FROM purchase WHERE amount % 3 = 0;
SELECT count(*), sum(amount), sum(length(note)) FROM purchase WHERE substr(note, 2, 1) BETWEEN '3' AND 'C';
