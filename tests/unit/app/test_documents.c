/* SPDX-License-Identifier: Apache-2.0 */
/* Which files are documents, and who gets which of them. */
#include "app/documents.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "records.h"
#include "temporary.h"

static struct sp_encounter e;
static const char *folder;

static void touch(const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	CHECK(f && !fclose(f));
}

static void fresh_folder(void)
{
	folder = temporary_directory();
}

TEST(documents_of_a_folder_are_its_pictures)
{
	struct sp_documents *d = sp_documents_create();
	struct sp_err err = { "" };

	fresh_folder();
	CHECK(d);
	CHECK_EQ(sp_documents_add(d, folder, &err), -ENOENT);
	CHECK(strstr(err.text, folder));
	touch("b.png");
	touch("a.JPG");
	touch("documents.jsonl");
	touch(".hidden.png");
	CHECK_EQ(sp_documents_add(d, folder, &err), 0);
	CHECK_EQ(d->n, 2);
	CHECK_STR(d->document[0].name, "a.JPG");
	CHECK_STR(d->document[1].name, "b.png");
	CHECK_EQ(sp_documents_add(d, "/nonexistent/x.png", &err), -ENOENT);
	CHECK_EQ(d->n, 2);
	sp_documents_destroy(d);
}

TEST(documents_have_names_that_can_be_shown)
{
	struct sp_documents *d = sp_documents_create();
	struct sp_err err = { "" };

	fresh_folder();
	touch("1|0.9|match.png");
	touch("2 M\xFCller.png"); /* Latin-1 */
	touch("3 M\xC3\xBCller.png");
	touch("4\n\x1B[2J.png");
	CHECK_EQ(sp_documents_add(d, folder, &err), 0);
	CHECK_STR(d->document[0].name, "1?0.9?match.png");
	CHECK_STR(d->document[1].name, "2 M?ller.png");
	CHECK_STR(d->document[2].name, "3 M\xC3\xBCller.png");
	CHECK_STR(d->document[3].name, "4??[2J.png");
	sp_documents_destroy(d);
}

TEST(documents_are_bounded)
{
	struct sp_documents *d = sp_documents_create();
	struct sp_err err = { "" };
	char path[128];

	fresh_folder();
	touch("one.png");
	snprintf(path, sizeof(path), "%s/one.png", folder);
	for (unsigned int i = 0; i < SP_DOCUMENTS_MAX; i++)
		CHECK_EQ(sp_documents_add(d, path, &err), 0);
	CHECK_EQ(sp_documents_add(d, path, &err), -E2BIG);
	CHECK(strstr(err.text, "256"));
	sp_documents_destroy(d);
}

/* A document with a template at @angle of the plane of the first two of four floats. */
static void hold(struct sp_documents *d, const char *name, float x, float y)
{
	struct sp_document *document = &d->document[d->n++];

	snprintf(document->name, sizeof(document->name), "%s", name);
	document->has_face = true;
	document->embedding[0] = x;
	document->embedding[1] = y;
	d->embedding_size = 4;
}

static void sit(float x, float y)
{
	struct sp_occupant *o = records_occupant(&e, SP_NO_DECISION);

	o->embedding[0] = x;
	o->embedding[1] = y;
}

TEST(documents_go_to_one_occupant_each)
{
	const struct sp_match_threshold threshold = { 0.9f, 1e-3 };
	struct sp_document_match m[SP_OCCUPANTS_MAX];
	struct sp_documents *d = sp_documents_create();
	struct sp_err err = { "" };

	records_fill(&e, 0, "lane-1");
	sit(1, 0);     /* most like `right` */
	sit(0.96f, 0.28f); /* like `right` too, but less */
	sit(0, 1);
	e.occupants[2].embedding_size = 0; /* nothing was kept */
	hold(d, "right", 0.999f, 0.0447f);
	hold(d, "up", 0, 1);
	hold(d, "no face", 1, 0);
	d->document[2].has_face = false;
	if (sp_documents_match(d, &e, &threshold, m, &err))
		FAIL("%s", err.text);
	CHECK(m[0].document == &d->document[0]);
	CHECK_EQ(m[0].comparison.decision, SP_MATCH);
	CHECK(m[1].document == &d->document[1]);
	CHECK_NEAR(m[1].comparison.similarity, 0.28, 1e-3);
	CHECK_EQ(m[1].comparison.decision, SP_NO_DECISION);
	CHECK(!m[2].document);
	/* Templates of another model are refused. */
	e.embedder_id[0] = 1;
	CHECK_EQ(sp_documents_match(d, &e, &threshold, m, &err), -EPROTO);
	CHECK(strstr(err.text, "occupant 1 and right"));
	sp_documents_destroy(d);
	sp_encounter_clear(&e);
}

TEST_MAIN()
