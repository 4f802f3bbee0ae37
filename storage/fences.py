"""Reading under a role that the database shows one tenant's rows at a time: a second fence behind every ``WHERE tenant =``.

It stands on PostgreSQL's row-level security (``storage.migrations.fences``). Writing does without: a batch of messages is of many
tenants at once and goes by ``COPY``, which PostgreSQL refuses on tables with such fences.
"""

from __future__ import annotations

from sqlalchemy import Connection

from storage.tables import metadata


def read_as(connection: Connection, tenant: str) -> None:
    """Let this transaction see the rows of a tenant, and those that are everybody's."""
    connection.exec_driver_sql("SELECT set_config('app.tenant', %s, true)", (tenant,))


def check(connection: Connection, role: str) -> None:
    """Raises ValueError when a role would see more than one tenant's rows, or less than a server reads."""
    row = connection.exec_driver_sql(
        "SELECT rolsuper OR rolbypassrls, current_user FROM pg_roles WHERE rolname = current_user"
    ).one()
    if row.current_user != role:
        raise ValueError(f"The role for reading is {row.current_user} and not {role}.")
    if row[0]:
        raise ValueError(
            f"The role {role} sees every row whatever is fenced: it must be neither a superuser nor BYPASSRLS."
        )
    names = [table.name for table in metadata.sorted_tables]
    found = connection.exec_driver_sql(
        "SELECT relname, relrowsecurity, pg_has_role(relowner, 'USAGE'), has_table_privilege(oid, 'SELECT'),"
        " has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')"
        " FROM pg_class WHERE relname = ANY(%s) AND relnamespace = current_schema()::regnamespace",
        (names,),
    )
    for name, fenced, owned, readable, writable in found:
        if owned or (not fenced and name != "meta"):
            raise ValueError(f"The role {role} is not fenced off from the rows of other tenants in {name}.")
        if not readable:
            raise ValueError(
                f"The role {role} may not read {name}: GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
            )
        if writable:
            raise ValueError(f"The role {role} may write to {name}: a role for reading reads.")
    connection.rollback()
