//! The names of an organisation's own fields, and which of them mean something to the views.

use async_trait::async_trait;

use super::{PostgresStore, column::column, error::store_error};
use crate::{
    domain::{MemberFields, Name, Timestamp},
    store::{FieldStore, Imported, StoreError},
};

const SET: &str = "
insert into tables_settings (name, value)
select * from unnest($1::text[], $2::text[])
on conflict (name) do update set value = excluded.value where tables_settings.value <> excluded.value";

/// Two imports at a time would each take the other's fields for new.
const KNOWN: &str = "
select id from member_fields where source = $1 and deleted_at is null order by id for update";

const IMPORT: &str = "
insert into member_fields (source, id, name, field_type, choices, employer_partner_can_view, job_seeker_can_edit,
                           first_seen_at, updated_at)
values ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $8)
on conflict (source, id) do update
set name = excluded.name, field_type = excluded.field_type, choices = excluded.choices,
    employer_partner_can_view = excluded.employer_partner_can_view, job_seeker_can_edit = excluded.job_seeker_can_edit,
    updated_at = excluded.updated_at, deleted_at = null";

const REMOVE: &str = "
update member_fields set deleted_at = $3 where source = $1 and id = any($2)";

#[async_trait]
impl FieldStore for PostgresStore {
    async fn set_tables_settings(&self, settings: &[(&str, &str)]) -> Result<(), StoreError> {
        sqlx::query(SET)
            .bind(column(settings, |(name, _)| *name))
            .bind(column(settings, |(_, value)| *value))
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(store_error)
    }

    async fn import_fields(
        &self,
        source: &Name,
        fields: &MemberFields,
        now: Timestamp,
    ) -> Result<Imported, StoreError> {
        self.import(source, fields, now).await.map_err(store_error)
    }
}

impl PostgresStore {
    async fn import(
        &self,
        source: &Name,
        fields: &MemberFields,
        now: Timestamp,
    ) -> sqlx::Result<Imported> {
        let mut transaction = self.pool.begin().await?;
        let known: Vec<String> = sqlx::query_scalar(KNOWN)
            .bind(&**source)
            .fetch_all(&mut *transaction)
            .await?;
        let (imported, gone) = Imported::of(fields, &known);
        for field in &fields.fields {
            sqlx::query(IMPORT)
                .bind(&**source)
                .bind(&field.id)
                .bind(&field.name)
                .bind(&field.field_type)
                .bind(&field.choices)
                .bind(field.employer_partner_can_view)
                .bind(field.job_seeker_can_edit)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
        }
        sqlx::query(REMOVE)
            .bind(&**source)
            .bind(gone)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(imported)
    }
}
