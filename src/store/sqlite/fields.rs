//! The names of an organisation's own fields, and which of them mean something to the views.

use async_trait::async_trait;

use super::{SqliteStore, error::store_error};
use crate::{
    domain::{MemberFields, Name, Timestamp, iso_millis},
    store::{FieldStore, Imported, StoreError},
};

const SET: &str = "
insert into tables_settings (name, value) values (?1, ?2)
on conflict (name) do update set value = excluded.value where tables_settings.value <> excluded.value";

const KNOWN: &str = "
select id from member_fields where source = ?1 and deleted_at is null order by id";

const IMPORT: &str = "
insert into member_fields (source, id, name, field_type, choices, employer_partner_can_view, job_seeker_can_edit,
                           first_seen_at, updated_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
on conflict (source, id) do update
set name = excluded.name, field_type = excluded.field_type, choices = excluded.choices,
    employer_partner_can_view = excluded.employer_partner_can_view, job_seeker_can_edit = excluded.job_seeker_can_edit,
    updated_at = excluded.updated_at, deleted_at = null";

const REMOVE: &str = "
update member_fields set deleted_at = ?3 where source = ?1 and id = ?2";

#[async_trait]
impl FieldStore for SqliteStore {
    async fn set_tables_settings(&self, settings: &[(&str, &str)]) -> Result<(), StoreError> {
        self.set(settings).await.map_err(store_error)
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

impl SqliteStore {
    async fn set(&self, settings: &[(&str, &str)]) -> sqlx::Result<()> {
        let mut turn = self.writer.begin_in_background().await?;
        for (name, value) in settings {
            sqlx::query(SET)
                .bind(*name)
                .bind(*value)
                .execute(&mut turn.connection)
                .await?;
        }
        turn.commit().await
    }

    /// In one transaction, as an organisation has some dozens of fields at most.
    async fn import(
        &self,
        source: &Name,
        fields: &MemberFields,
        now: Timestamp,
    ) -> sqlx::Result<Imported> {
        let now = iso_millis(&now);
        let mut turn = self.writer.begin_in_background().await?;
        let known: Vec<String> = sqlx::query_scalar(KNOWN)
            .bind(&**source)
            .fetch_all(&mut turn.connection)
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
                .bind(&now)
                .execute(&mut turn.connection)
                .await?;
        }
        for id in gone {
            sqlx::query(REMOVE)
                .bind(&**source)
                .bind(id)
                .bind(&now)
                .execute(&mut turn.connection)
                .await?;
        }
        turn.commit().await?;
        Ok(imported)
    }
}
