-- doctor_clock: the database's clock, and which of its processes answers.
select gateway.us(clock_timestamp()) / 1000 as now_ms, pg_backend_pid() as pid
