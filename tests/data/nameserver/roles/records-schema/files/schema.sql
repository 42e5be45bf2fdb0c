CREATE TABLE records (name VARCHAR(255), content TEXT);
