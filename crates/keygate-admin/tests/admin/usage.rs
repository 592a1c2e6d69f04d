//! The usage page: outcomes over time, top and unusually busy clients, reasons, and CSV.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use keygate::MemoryStore;

use crate::kept::{DAY, HOUR, Kept};
use crate::support::{Answer, Page, Server, at, minutes};

async fn page(kept: &Kept) -> Page {
    Server::with(Arc::new(kept.store.clone()), kept.with_usage()).signed_in("ray").await
}

/// Records a week and an hour of usage, up to `at(0)`.
async fn week() -> Kept {
    let kept = Kept::since(at(0) - 7 * DAY - HOUR).await;
    for client in ["A", "=B", "C <b>"] {
        kept.key(client, client, |key| key);
    }
    kept.key("A", "expired", |key| key.with_expiry(at(0) - 6 * DAY));
    for _ in 0..7 {
        kept.calls("A", 60);
        kept.calls("=B", 100);
        kept.pass(DAY).await;
    }
    kept.pass(minutes(30)).await;
    kept.calls("A", 121);
    kept.calls("=B", 199);
    kept.calls("C <b>", 99);
    kept.calls("expired", 3);
    kept.pass(minutes(30)).await;
    kept
}

/// Returns the cells of the row that begins with this text.
fn row(answer: &Answer, first: &str) -> Vec<String> {
    let (_, rest) =
        answer.body.split_once(first).unwrap_or_else(|| panic!("{first}: {}", answer.body));
    let (row, _) = rest.split_once("</tr>").unwrap();
    let cells = row.split("<td class=\"num\">").skip(1);
    cells.map(|cell| cell.split_once("</td>").unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn requests_are_shown_by_outcome_over_each_period() {
    let kept = week().await;
    let mut page = page(&kept).await;
    let hour = page.get("/usage?over=hour").await;
    hour.says("<strong>422</strong> requests, of which 0 over the quota and 3 refused.");
    // The plot has 60 bars, and the table has the same values.
    assert_eq!(row(&hour, "2026-12-31 23:30</th>"), ["419", "0", "3"]);
    assert_eq!(row(&hour, "2026-12-31 23:31</th>"), ["0", "0", "0"]);
    assert_eq!((hour.body.matches("<rect").count(), hour.body.matches("<g>").count()), (2, 60));
    hour.says("<title id=\"outcomes-title\">Requests by outcome, last 60 minutes</title>");
    hour.says("<desc id=\"outcomes-text\">419 served, 0 throttled, 3 refused in total.");
    hour.says("23:30: 419 served, 0 throttled, 3 refused");

    let day = page.get("/usage").await;
    day.says("aria-current=\"page\">Last 24 hours").says("<strong>422</strong> requests");
    assert_eq!(day.body.matches("<g>").count(), 24);
    let month = page.get("/usage?over=month").await;
    assert_eq!(row(&month, "2026-12-31 00:00</th>"), ["419", "0", "3"]);
    assert_eq!(row(&month, "2026-12-24 00:00</th>").len(), 3);
    month.says("<strong>1,542</strong> requests").says("Usage was first recorded");
    let one = page.get("/usage?over=hour&client=A").await;
    assert_eq!(row(&one, "2026-12-31 23:30</th>"), ["121", "0", "3"]);
    assert!(!one.body.contains("Top clients") && one.body.contains("Show all clients"));
    for answer in [&hour, &day, &month] {
        assert!(answer.body.len() < 60_000, "{}", answer.body.len());
    }
}

#[tokio::test]
async fn clients_are_ranked_and_refusals_have_reasons() {
    let kept = week().await;
    let answer = page(&kept).await.get("/usage?over=hour").await;
    let (_, top) = answer.body.split_once("<h2>Top clients</h2>").unwrap();
    let names = top.split("href=\"/clients/").skip(1).map(|rest| rest.split_once('"').unwrap().0);
    assert_eq!(names.take(3).collect::<Vec<_>>(), ["%3DB", "A", "C%20%3Cb%3E"]);
    answer.says("C &lt;b&gt;");
    assert!(!answer.body.contains("C <b>"));
    assert_eq!(row(&answer, "<th scope=\"row\">expired</th>"), ["3"]);
}

#[tokio::test]
async fn busy_client_is_compared_with_its_own_week() {
    let kept = week().await;
    let mut page = page(&kept).await;
    let answer = page.get("/usage").await;
    let (_, loud) = answer.body.split_once("<h2>Unusually busy</h2>").unwrap();
    let (loud, _) = loud.split_once("<h2>").unwrap();
    // A sent 121 requests, and at most 60 per hour before. =B sent 199, which is less than twice its 100. C is new,
    // with less than 100.
    assert_eq!(loud.matches("<th scope=\"row\">").count(), 1, "{loud}");
    assert!(
        loud.contains("href=\"/clients/A\"") && loud.contains("more than twice as many"),
        "{loud}"
    );
    assert!(loud.contains("<td class=\"num\">121</td><td class=\"num\">60</td>"), "{loud}");

    kept.calls("C <b>", 1);
    kept.flush().await;
    let answer = page.get("/usage").await;
    let (_, loud) = answer.body.split_once("<h2>Unusually busy</h2>").unwrap();
    let (loud, _) = loud.split_once("<h2>").unwrap();
    assert!(loud.contains("C &lt;b&gt;") && loud.contains("no requests"), "{loud}");
}

#[tokio::test]
async fn tables_are_downloaded_as_csv_without_formulas() {
    let kept = week().await;
    let mut page = page(&kept).await;
    let clients = page.get("/usage.csv?over=hour&table=clients").await;
    assert_eq!(clients.header("content-type"), "text/csv; charset=utf-8; header=present");
    let disposition = "attachment; filename=\"usage-hour-clients.csv\"";
    assert_eq!(clients.header("content-disposition"), disposition);
    let expected =
        "client,served,throttled,refused\r\n\"'=B\",199,0,0\r\nA,121,0,3\r\nC <b>,99,0,0\r\n";
    assert_eq!(clients.body, expected);
    let times = page.get("/usage.csv?over=hour").await;
    assert_eq!(times.body.lines().count(), 61);
    times.says("\r\n2026-12-31 23:30:00 UTC,419,0,3\r\n");
    let reasons = page.get("/usage.csv?over=hour&table=reasons").await;
    assert_eq!(reasons.body, "reason,requests\r\nexpired,3\r\n");
    assert_eq!(page.get("/usage.csv?table=other").await.status, 404);
}

#[tokio::test]
async fn page_without_usage_explains_how_to_set_it_up() {
    let mut page = Page::new(Arc::new(MemoryStore::new())).await;
    let answer = page.get("/usage").await;
    answer.says("Usage is not set up").says("UsageWriter::start").says("keygate admin --usage");
    assert_eq!(page.get("/usage.csv").await.status, 404);
}

#[tokio::test]
async fn usage_outage_says_what_still_works() {
    let kept = week().await;
    let mut page = page(&kept).await;
    let [file, away] = ["usage.db", "away.db"].map(|name| kept.folder.path().join(name));
    fs::rename(&file, &away).unwrap();
    let answer = page.get("/usage").await;
    answer.says("Usage cannot be read right now.").says("You can still manage clients and keys.");
    assert_eq!(page.get("/usage.csv").await.status, 503);
    fs::rename(&away, &file).unwrap();
    page.get("/usage").await.says("<strong>422</strong> requests");
}

#[tokio::test]
async fn plot_of_a_history_without_requests_is_empty() {
    let kept = Kept::since(at(0) - Duration::from_secs(60)).await;
    kept.pass(minutes(1)).await;
    let answer = page(&kept).await.get("/usage?over=hour").await;
    answer.says("<strong>0</strong> requests.").says("No requests in this period.");
    answer.says("No client is unusually busy.").says("No requests were refused in this period.");
}
