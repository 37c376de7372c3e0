#!/bin/sh
# Runs once, when the data folder is made: the database and the login that api, worker and migrations use. It is no superuser.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$POSTGRES_USHER_PASSWORD" --username postgres <<'SQL'
create role usher_login login createrole password :'password';
create database usher owner usher_login;
SQL
